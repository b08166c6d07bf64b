"""The command `cite`: how symcount, and the model classes that it speaks of, are referred to."""

from __future__ import annotations

from typing import Annotated

import typer

from symcount.cli.output import say
from symcount.errors import NotationError, near

__all__ = ["cite"]

_FORMS = ("bibtex", "text")


def cite(
    to: Annotated[str, typer.Option("--to", help="bibtex or text.")] = "bibtex",
) -> None:
    """Print how to cite symcount, with the version that made the numbers."""
    if to not in _FORMS:
        raise NotationError(f"--to {to!r}: expected one of {', '.join(_FORMS)}.{near(to, _FORMS)}")
    import symcount
    from symcount.atlas.store import atlas

    stored = atlas()
    about = f"formulas of {len(stored.names)} classes, derived with {stored.versions}" if stored is not None else ""
    if to == "text":
        said = f"the symcount authors: symcount, version {symcount.__version__}. Exact closed forms for the parameter "
        say(f"{said}counts of neural networks{f'; {about}' if about else ''}.")
        return
    lines = [
        "@software{symcount,",
        "  title = {symcount: exact closed forms for the parameter counts of neural networks},",
        "  author = {{the symcount authors}},",
        f"  version = {{{symcount.__version__}}},",
        *([f"  note = {{{about}}},"] if about else []),
        "}",
    ]
    say("\n".join(lines))
