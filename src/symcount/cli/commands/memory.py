"""The command `memory`: what a model takes in bytes."""

from __future__ import annotations

from typing import Annotated

import typer

from symcount.cli.options import Json, Options, Source, Values, load, told
from symcount.cli.output import ascii_only, emit, note, number, say, share, show, table
from symcount.cli.storage import Batch, Dtype, Length, Lora, Master, Optimizer, Quantization, Targets, request_of
from symcount.storage.footprint import Buffers, Footprint, buffers, footprint
from symcount.typeset.plain import formula_plain

__all__ = ["memory"]


def memory(
    model: Source,
    values: Values = None,
    options: Options = None,
    dtype: Dtype = None,
    batch: Batch = 1,
    length: Length = None,
    optimizer: Optimizer = None,
    master: Master = False,
    quantization: Quantization = None,
    lora: Lora = None,
    targets: Targets = None,
    with_buffers: Annotated[
        bool, typer.Option("--buffers", help="Also the buffers, of the real model: needs torch and transformers.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print the bytes of weights, cache, gradients and optimizer, each as a formula and a number.

    Without --optimizer it is inference: weights, and with --length the cache.
    """
    subject = load(model, values, options, further=True)
    asked = request_of(
        dtype, batch, length, optimizer, master=master, quantization=quantization, lora=lora, targets=targets,
        further=subject.further,
    )  # fmt: skip
    found = footprint(subject.formula, subject.config.fields, subject.given, asked)
    if text := subject.defaults_note():
        note(text)
    told(subject, heeded="quantization_config")
    own = None
    if with_buffers:
        own = buffers(subject.formula, subject.config, found.dtype, **subject.overrides)
    if as_json:
        emit(_described(found, own))
        return
    rows = []
    for name, size in found.numbers.items():
        if name in found.parts:
            part = found.parts[name]
            rule = formula_plain(part.tree, part.ledger, "unique", ascii_only=ascii_only())
            rows.append((name, rule, number(size), share(size, found.total)))
    say(f"{found.formula.name}, {found.dtype}")
    show(
        table(("part", "left"), ("formula", "left"), ("bytes", "right"), ("share", "right")),
        rows,
        ("total", "", number(found.total), share(found.total, found.total)),
    )
    say(f"besides, of CUDA's allocator for the weights: {number(found.rounding)}")
    if own is not None:
        say(f"besides, buffers that are in a file of weights: {number(own.persistent)}; others: {number(own.others)}")
    if found.step is not None and optimizer is not None:
        say(f"besides, for a while in each step: {number(found.step)}")


def _described(found: Footprint, own: Buffers | None) -> dict[str, object]:
    further: dict[str, object] = {} if found.step is None else {"step": found.step}
    if own is not None:
        further["buffers"] = {"persistent": own.persistent, "others": own.others, "rounding": own.rounding}
    latex = {name: part.latex() for name, part in found.parts.items()}
    told = {**found.numbers, "total": found.total, "dtype": found.dtype, "rounding": found.rounding}
    return {**told, **further, "latex": latex}
