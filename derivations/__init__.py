"""Worked derivations: nine models counted step by step, each a script that writes its own document.

`python -m derivations` writes the documents and their pictures again, `python -m derivations --pdf FILE` binds them.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from derivations.worksheet import Worksheet

__all__ = ["FOLDER", "NAMES", "load"]

FOLDER = Path(__file__).parent
NAMES = ("bert", "gpt2", "llama", "t5", "mixtral", "deepseek_v3", "vit", "whisper", "mamba")


def load(name: str) -> Worksheet:
    """The derivation called *name*, worked through anew."""
    sheet: Worksheet = import_module(f"derivations.{name}").derive()
    return sheet
