"""The command `memory`: what a model takes in bytes."""

from __future__ import annotations

from typing import Annotated

import typer

from symcount.adapters.config import ALL_LINEAR
from symcount.cli.options import Json, Options, Source, Values, load, told
from symcount.cli.output import ascii_only, emit, note, number, say, share, show, table
from symcount.errors import OptionError
from symcount.footprint import Buffers, Footprint, Request, buffers, footprint
from symcount.typeset.plain import formula_plain

__all__ = ["memory"]


def memory(
    model: Source,
    values: Values = None,
    options: Options = None,
    dtype: Annotated[
        str | None,
        typer.Option("--dtype", help="Of the weights: bf16, fp16, fp32, …; by default the config's, or fp32."),
    ] = None,
    batch: Annotated[int, typer.Option("--batch", help="Sequences at a time, for the cache.")] = 1,
    length: Annotated[
        str | None, typer.Option("--length", metavar="TOKENS", help="Tokens that the cache holds, such as 8192 or 32k.")
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option("--optimizer", help="For training: adamw, adamw_8bit, sgd_momentum, adafactor, muon, …"),
    ] = None,
    master: Annotated[
        bool, typer.Option("--master", help="The optimizer works on copies of the weights in fp32.")
    ] = False,
    quantization: Annotated[
        str | None,
        typer.Option(
            "--quantization",
            help="4bit, 8bit (bitsandbytes), fp8, gptq, awq, mxfp4 or none; by default what the config says.",
        ),
    ] = None,
    lora: Annotated[int | None, typer.Option("--lora", metavar="RANK", help="An adapter alone is trained.")] = None,
    targets: Annotated[
        str | None,
        typer.Option("--targets", help="What it adapts: q_proj,v_proj or all-linear; PEFT's own."),
    ] = None,
    with_buffers: Annotated[
        bool, typer.Option("--buffers", help="Also the buffers, of the real model: needs torch and transformers.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print the bytes of weights, cache, gradients and optimizer, each as a formula and a number.

    Without --optimizer it is inference: weights, and with --length the cache.
    """
    subject = load(model, values, options)
    asked = Request(
        dtype, _positive(batch, "--batch"), _tokens(length), optimizer, master, quantization, lora, _targets(targets)
    )
    found = footprint(subject.formula, subject.config.fields, subject.given, asked)
    if text := subject.defaults_note():
        note(text)
    told(subject)
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
    return {**found.numbers, "total": found.total, "dtype": found.dtype, "rounding": found.rounding, **further}


def _targets(text: str | None) -> str | list[str] | None:
    """Names between commas, or one pattern.

    >>> _targets("q_proj,v_proj"), _targets("all-linear")
    (['q_proj', 'v_proj'], 'all-linear')
    """
    if text is None or text.lower() == ALL_LINEAR or any(sign in text for sign in "*|()[]"):
        return text
    return [name.strip() for name in text.split(",") if name.strip()]


def _positive(value: int, flag: str) -> int:
    if value < 1:
        raise OptionError(f"{flag} {value}: expected an integer of at least 1")
    return value


def _tokens(text: str | None) -> int | None:
    """A number of tokens; `32k` is 32 · 1024, as lengths are written.

    >>> _tokens("32k"), _tokens("8,192")
    (32768, 8192)
    """
    if text is None:
        return None
    digits, scale = (text[:-1], 1024) if text[-1:].lower() == "k" else (text, 1)
    digits = digits.replace(",", "").replace("_", "")
    if not digits.isdecimal() or not digits.isascii() or len(digits) > 12 or int(digits) < 1:
        raise OptionError(f"--length {text!r:.80}: expected a number of tokens such as 8192 or 32k")
    return int(digits) * scale
