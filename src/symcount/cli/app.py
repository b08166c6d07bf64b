"""The commands, put together."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from symcount.cli.commands import (
    atlas,
    cite,
    compare,
    count,
    derive,
    forward,
    ladder,
    memory,
    shard,
    show,
    solve,
    sweep,
    typeset,
    verify,
)
from symcount.cli.output import say

__all__ = ["app", "command"]

app = typer.Typer(
    add_completion=True,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Exact closed forms for the parameter counts of neural networks.",
)


def _version(wanted: bool) -> None:
    if wanted:
        import symcount
        from symcount.atlas.store import atlas
        from symcount.config.releases import installed

        say(f"symcount {symcount.__version__}")
        stored, here = atlas(), installed()
        if here is not None:
            spoken = "" if stored is None else f": configs are counted as of {stored.at(here).release}"
            say(f"transformers {here} is installed{spoken}")
        if stored is not None:
            if older := ", ".join(reversed(stored.releases[:-1])):
                say(f"atlas of transformers {stored.release}, and of what is otherwise in {older}")
            say(f"atlas of {len(stored.names)} classes, derived with {stored.versions}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the versions and exit.")
    ] = False,
) -> None:
    """Exact closed forms for the parameter counts of neural networks."""


for _function in (
    show.formula,
    count.count,
    count.breakdown,
    typeset.latex,
    compare.compare,
    compare.shares,
    forward.cache,
    forward.flops,
    memory.memory,
    shard.shard,
    show.diff,
    solve.solve,
    ladder.ladder,
    verify.verify,
    derive.derive,
    sweep.sweep,
    show.list_models,
    cite.cite,
):
    app.command(name="list" if _function is show.list_models else None)(_function)

app.add_typer(atlas.app, name="atlas")


def command() -> Any:
    """The command as a callable of arguments."""
    return typer.main.get_command(app)
