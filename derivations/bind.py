"""The derivations bound into one PDF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from derivations.render import book
from derivations.worksheet import Worksheet
from symcount.typeset.pdf import compile_document

__all__ = ["bind"]


def bind(sheets: Sequence[Worksheet]) -> bytes:
    """Compile *sheets*, pictures and table of contents included; returns the PDF.

    Raises:
        DependencyError: no TeX engine, or no matplotlib for the pictures.
        VerificationError: a step disagrees with the real model.
    """
    pictures = {}
    with TemporaryDirectory() as folder:
        for picture in (p for sheet in sheets for p in sheet.pictures):
            drawn = Path(folder, f"{picture.name}.pdf")
            picture.shares.draw(drawn)
            pictures[drawn.name] = drawn.read_bytes()
    document, _ = compile_document(book(sheets), pictures, runs=2)  # the second run knows the pages of the contents
    return document
