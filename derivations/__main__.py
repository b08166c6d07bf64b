"""Write the derivations again: `python -m derivations [NAME …] [--pdf FILE]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from derivations import FOLDER, NAMES, load
from derivations.bind import bind
from derivations.render import index, markdown
from derivations.worksheet import Worksheet
from symcount.errors import SymcountError


def write(sheet: Worksheet) -> None:
    """Write a derivation's document and its picture."""
    (FOLDER / f"{sheet.name}.md").write_text(markdown(sheet), encoding="utf-8")
    for picture in sheet.pictures:
        picture.shares.draw(FOLDER / f"{picture.name}.svg")


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m derivations", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of them: {', '.join(NAMES)} (all)")
    parser.add_argument("--pdf", type=Path, metavar="FILE", help="bind them into a PDF instead; needs a TeX engine")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in NAMES]:
        parser.error(f"no derivation {unknown[0]!r}: there are {', '.join(NAMES)}")
    sheets = []
    try:
        for name in given.names or NAMES:
            print(name, file=sys.stderr)
            sheets.append(load(name))
            if given.pdf is None:
                write(sheets[-1])
        if given.pdf is not None:
            given.pdf.write_bytes(bind(sheets))
        elif not given.names:
            (FOLDER / "README.md").write_text(index(sheets), encoding="utf-8")
    except SymcountError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
