"""A document to PDF, by whichever TeX engine is installed. Nothing is downloaded, and TeX may start no program."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from symcount.errors import DependencyError, TypesettingError

__all__ = ["ENGINES", "compile_document", "engine"]

ENGINES = ("pdflatex", "lualatex", "xelatex")
_SECONDS = 120


def engine() -> str:
    """The path of the first TeX engine there is.

    Raises:
        DependencyError: there is none.
    """
    for name in ENGINES:
        if found := shutil.which(name):
            return found
    raise DependencyError(
        f"no TeX engine found ({', '.join(ENGINES)}): install TeX Live (Debian: texlive-latex-recommended), "
        "or write the document with --to tex"
    )


def compile_document(source: str, files: Mapping[str, bytes] | None = None, *, runs: int = 1) -> tuple[bytes, str]:
    """Compile a LaTeX document; returns the PDF and TeX's log.

    Args:
        source: the document.
        files: by name, what it includes.
        runs: how often TeX reads it: twice for a table of contents.

    Raises:
        DependencyError: no TeX engine is installed.
        TypesettingError: TeX refused the document; the message has its first complaint.
    """
    command = [engine(), "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    with TemporaryDirectory() as folder:
        Path(folder, "document.tex").write_text(source, encoding="utf-8")
        for name, content in (files or {}).items():
            Path(folder, name).write_bytes(content)
        environment = {**os.environ, "openin_any": "p", "openout_any": "p", "max_print_line": "1000"}
        result, log = Path(folder, "document.pdf"), ""
        for _ in range(runs):
            try:
                done = subprocess.run(  # noqa: S603  # a fixed command on a file of our own
                    command, cwd=folder, env=environment, capture_output=True, check=False, timeout=_SECONDS
                )
            except subprocess.TimeoutExpired:
                raise TypesettingError(f"{Path(command[0]).name} did not end within {_SECONDS} seconds") from None
            log = done.stdout.decode("utf-8", "replace")
            if done.returncode or not result.exists():
                complaints = [line for line in log.splitlines() if line.startswith(("!", "l."))]
                said = "; ".join(complaints[:2]) or log[-300:]
                raise TypesettingError(f"{Path(command[0]).name} refused the document: {said}")
        return result.read_bytes(), log
