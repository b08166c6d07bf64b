"""The command `shard`: what one of several ranks holds."""

from __future__ import annotations

from typing import Annotated

import typer

from symcount.cli.options import Json, Options, Source, Values, load, told
from symcount.cli.output import ascii_only, emit, exactly, note, number, say, share, show, table
from symcount.cli.storage import Dtype, Master, Optimizer
from symcount.errors import OptionError
from symcount.storage.portions import Portion, portion
from symcount.storage.shards import Scheme
from symcount.typeset.plain import formula_plain

__all__ = ["shard"]


def shard(
    model: Source,
    ranks: Annotated[int, typer.Option("--ranks", help="How many ranks there are.")],
    fsdp: Annotated[bool, typer.Option("--fsdp", help="FSDP2, each parameter by rows: the default.")] = False,
    zero3: Annotated[bool, typer.Option("--zero3", help="DeepSpeed's ZeRO-3, each parameter flat and padded.")] = False,
    tp: Annotated[bool, typer.Option("--tp", help="Tensor parallelism, by the plan of transformers.")] = False,
    rank: Annotated[int, typer.Option("--rank", help="Which: the last ones hold less where sizes do not divide.")] = 0,
    values: Values = None,
    options: Options = None,
    dtype: Dtype = None,
    optimizer: Optimizer = None,
    master: Master = False,
    as_json: Json = False,
) -> None:
    """Print the parameters and bytes that one of several ranks holds, each as a formula and a number.

    Without --optimizer it is inference: the weights alone.
    """
    subject = load(model, values, options)
    scheme = _scheme(fsdp=fsdp, zero3=zero3, tp=tp)
    found = portion(
        subject.formula, subject.config.fields, subject.given, ranks, scheme, rank,
        dtype=dtype, optimizer=optimizer, master=master,
    )  # fmt: skip
    if text := subject.defaults_note():
        note(text)
    told(subject)
    if found.release:
        note(f"the plan of tensor parallelism is that of transformers {found.release}")
    if as_json:
        emit(_described(found))
        return
    say(f"{found.formula.name}, {found.dtype}")
    rows = [("parameters", _plain(found.formula), number(found.parameters), share(found.parameters, found.whole))]
    show(table(("", "left"), ("formula", "left"), ("of this rank", "right"), ("of the model", "right")), rows)
    if found.replicated:
        say(f"of these on every rank alike: {number(found.replicated)}")
    parts = [(name, _plain(found.parts[name]), number(size)) for name, size in found.numbers.items()]
    show(table(("part", "left"), ("formula", "left"), ("bytes", "right")), parts, ("total", "", number(found.total)))


def _scheme(**chosen: bool) -> Scheme:
    """The one that was chosen; FSDP2 if none was.

    Raises:
        OptionError: several were.
    """
    schemes: dict[str, Scheme] = {"fsdp": "fsdp2", "zero3": "zero3", "tp": "tp"}
    given = [name for name, wanted in chosen.items() if wanted]
    if len(given) > 1:
        raise OptionError(f"{' and '.join(f'--{name}' for name in given)}: a model is divided in one of these ways")
    return schemes[given[0]] if given else "fsdp2"


def _plain(formula: object) -> str:
    return formula_plain(formula.tree, formula.ledger, "unique", ascii_only=ascii_only())  # type: ignore[attr-defined]


def _described(found: Portion) -> dict[str, object]:
    return {
        "class": found.of, "scheme": found.scheme, "ranks": found.ranks, "rank": found.rank,
        "parameters": found.parameters, "replicated": found.replicated, "model": found.whole,
        "formula": str(found.formula.total), "latex": found.formula.latex(), "dtype": found.dtype,
        **found.numbers, "total": found.total, "values": exactly(found.values),
        **({"transformers": found.release} if found.release else {}),
    }  # fmt: skip
