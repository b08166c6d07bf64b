"""Commands about a forward pass: `cache`, `flops`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any

import typer

from symcount.cli.options import Json, Options, Source, Values, choices, is_number, pairs, value_of
from symcount.cli.output import ascii_only, emit, encodable, exactly, number, say, show, table
from symcount.cli.storage import Batch, Length, sequences_of, tokens_of
from symcount.config.files import looks_like_path
from symcount.exact.evaluate import integer_value
from symcount.forward.inputs import BATCH, LENGTH
from symcount.typeset.plain import formula_plain

__all__ = ["cache", "flops"]


def cache(
    model: Source,
    values: Values = None,
    options: Options = None,
    batch: Batch = 1,
    length: Length = None,
    dtype: Annotated[str, typer.Option("--dtype", help="Of the model: bf16, fp16, fp32, fp8, …")] = "bf16",
    as_json: Json = False,
) -> None:
    """Print what a model's own cache holds after so many tokens: a formula of its bytes, and a number.

    Sliding layers hold a window, latent attention its compressed keys, recurrent layers their states; each tensor in
    its own type.
    """
    from symcount.forward.api import cache as found

    shown, at = _asked(found, model, values, options, batch, length)
    formula = shown.bytes(dtype)
    rows = [(row.tensor, row.kind, formula.set_symbols(row.total), row.total) for row in formula.ledger]
    total = _at(formula, at)
    if as_json:
        emit({"class": formula.name, "dtype": dtype, "formula": str(formula.total), "latex": formula.latex(),
              "domain": [str(c) for c in formula.domain], "cache": total, "values": exactly(at),
              "tensors": [{"path": path, "kind": kind, "bytes": _number(formula, size, at)}
                          for path, kind, _, size in rows]})  # fmt: skip
        return
    _present(formula, f"bytes of the cache, model in {dtype}")
    _numbers(at, formula, [(path, kind, _number(formula, size, at)) for path, kind, _, size in rows], total, "bytes")


def flops(
    model: Source,
    values: Values = None,
    options: Options = None,
    batch: Batch = 1,
    length: Length = None,
    causal: Annotated[bool, typer.Option("--causal", help="Of causal attention the half that is not masked.")] = False,
    checkpointing: Annotated[
        bool, typer.Option("--checkpointing", help="The layers' forward pass is done again for the backward one.")
    ] = False,
    fused: Annotated[bool, typer.Option("--fused", help="Backward, attention makes its scores again.")] = False,
    as_json: Json = False,
) -> None:
    """Print the operations of a forward and a backward pass: 2·m·n·k of each matrix product and convolution."""
    from symcount.forward.api import flops as found

    shown, at = _asked(found, model, values, options, batch, length)
    forward = shown.causal() if causal else shown
    parts = {"forward": forward, "backward": shown.backward(causal=causal, fused=fused)}
    parts["training"] = shown.training(checkpointing=checkpointing, causal=causal, fused=fused)
    numbers = {name: _at(part, at) for name, part in parts.items()}
    tokens = sequences_of(batch) * (tokens_of(length) or shown.pinned.get(LENGTH, 1))
    per_token = None if numbers["forward"] is None else Fraction(numbers["forward"], tokens)
    if as_json:
        emit({"class": shown.name, "formula": str(forward.total), "latex": forward.latex(),
              "domain": [str(c) for c in shown.domain], **numbers, "per_token": _whole(per_token),
              "values": exactly(at)})  # fmt: skip
        return
    _present(forward, "operations of a forward pass")
    rows = [(path, kind, _number(forward, e, at)) for path, kind, e in _modules(forward)]
    _numbers(at, forward, rows, numbers["forward"], "operations")
    if per_token is not None:
        say(f"backward: {number(numbers['backward'] or 0)}")
        again = ", layers done again" if checkpointing else ""
        say(f"forward and backward{again}: {number(numbers['training'] or 0)}")
        say(f"forward, per token: {number(per_token)}")


def _asked(
    found: Any, model: str, values: Sequence[str] | None, options: Sequence[str] | None, batch: int, length: str | None
) -> tuple[Any, dict[str, Any]]:
    """The formula, and numbers by letter: those asked for, the config's, the class's."""
    chosen = choices(options)
    given = pairs(values or (), "-s", "hidden_size=768")
    sizes = {BATCH: sequences_of(batch), LENGTH: tokens_of(length)}
    shown = found(model, **chosen)
    missing = {name: text for name, text in given if name not in shown.notation}
    if missing and all(is_number(text) for text in missing.values()) and not looks_like_path(model):
        chosen |= {name: int(text.replace(",", "")) for name, text in missing.items()}
        shown = found(model, **chosen)
    wanted = {n: v for n, v in sizes.items() if v is not None}
    if any(shown.pinned.get(n, v) != v for n, v in wanted.items()):
        from symcount.forward.api import refitted

        shown = refitted(shown, model, chosen, wanted)
    at, tokens = dict(shown.defaults), sizes[LENGTH]
    for name, text in given:
        item = shown.notation[name] if name in shown.notation or name not in missing else None
        if item is not None:
            at[item.letter] = value_of(item, text)
    for name, asked in sizes.items():
        value = shown.pinned.get(name) if asked is None else asked
        if value is not None and shown.sizes.get(name) in shown.notation:
            at[shown.sizes[name]] = value
    if (source := shown.sizes.get("source")) in shown.notation and source not in at and tokens is not None:
        at[source] = tokens  # of the encoder's input as many
    if (side := shown.sizes.get("side")) in shown.notation:
        at.setdefault(side, 224)
    return shown, at


def _at(formula: Any, at: Mapping[str, Any]) -> int | None:
    """The number there; `None` where a size of the input is not given."""
    return _number(formula, formula.total, at)


def _number(formula: Any, expression: Any, at: Mapping[str, Any]) -> int | None:
    if {s.name for s in expression.free_symbols} & set(formula.sizes.values()) - at.keys():
        return None
    return integer_value(expression, formula.values({k: v for k, v in at.items() if k in formula.notation}))


def _whole(value: Fraction | None) -> int | str | None:
    return value if value is None else int(value) if value.denominator == 1 else str(value)


def _modules(formula: Any) -> list[tuple[str, str, Any]]:
    kinds = {path: block.kind for path, block in reversed(list(formula.tree.walk()))}
    return [(path or formula.name, kinds[path], size) for path, size in formula.ledger.by_path().items() if size != 0]


def _present(formula: Any, what: str) -> None:
    say(f"{formula.name} ({formula.model_type}): {what}\n")
    say(formula_plain(formula.tree, formula.ledger, "unique", ascii_only=ascii_only()))
    say(f"{encodable(formula.domain_text())}\n")


def _numbers(at: Mapping[str, Any], formula: Any, rows: Sequence[Any], total: int | None, unit: str) -> None:
    letters = [f"{e.letter} ({e.field}) = {number(at[e.letter])}" for e in formula.notation if e.letter in at]
    say(f"at {', '.join(letters)}")
    if total is None:
        say("give --length for numbers")
        return
    show(table(("path", "left"), ("layer type", "left"), (unit, "right")),
         [(path, kind, number(value)) for path, kind, value in rows if value])  # fmt: skip
    say(f"total: {number(total)} {unit}")
