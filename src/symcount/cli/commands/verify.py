"""The command `verify`: a formula against the real model, or against a file of weights."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from symcount.cli.adapters import Base, adapter_verify, is_adapter
from symcount.cli.options import Json, Options, Values, load, told
from symcount.cli.output import ascii_only, emit, exactly, note, number, say, show, table
from symcount.cli.presentation import plain
from symcount.config.files import is_checkpoint
from symcount.exact.evaluate import integer_value
from symcount.typeset.plain import formula_plain
from symcount.verification.report import Report, Tensor
from symcount.verification.report import verify as compare

__all__ = ["verify"]


def verify(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A class name, a model type, a config.json, or weights: a folder, "
            "model.safetensors, its index, model.gguf.",
        ),
    ],
    values: Values = None,
    options: Options = None,
    device: Annotated[str, typer.Option(help="meta, which allocates nothing, or cpu.")] = "meta",
    base: Base = None,
    as_json: Json = False,
) -> int:
    """Compare every tensor and every total with the real model, built by transformers, or with a file of weights."""
    if is_adapter(model):
        return adapter_verify(model, base, as_json)
    if is_checkpoint(Path(model)):
        from symcount.cli.checkpoints import verify_file

        return verify_file(Path(model), values, options, as_json)
    subject = load(model, values, options)
    told(subject)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # its advice on the model is not about the count
    report = compare(subject.formula, subject.config, device=device, **subject.overrides)
    if as_json:
        emit(_described(report, subject.source))
        return 0 if report.exact else 1
    if text := subject.defaults_note("per_layer"):
        note(text)
    formula = subject.formula
    good = sum(not t.difference for t in report.tensors)
    say(f"{report.class_name} of transformers {report.version}, device {report.device}")
    say(f"P = {formula_plain(formula.tree, formula.ledger, 'unique', ascii_only=ascii_only())}")
    _layers(report)
    say(f"{good} of {len(report.tensors)} tensors match in path, shape and sharing\n")
    rows = []
    for total in report.totals.values():
        real = "not checked" if total.model is None else number(total.model)
        rows.append((total.convention, number(total.formula), real, "=" if total.equal else "DIFFERS"))
    if report.torchinfo is not None:
        same = [t.convention for t in report.totals.values() if t.formula == report.torchinfo]
        rows.append(("torchinfo", "", number(report.torchinfo), f"= {same[0]}" if same else ""))
    show(table(("convention", "left"), ("formula", "right"), ("model", "right"), ("", "left")), rows)
    for row, owner in formula.shared:
        say(f"{row.tensor} is {owner.tensor}: {plain(row.total, formula)}")
    for item in report.differences[:20]:
        say(f"differs: {item}")
    if len(report.differences) > 20:
        say(f"and {len(report.differences) - 20} more differences")
    if report.of_another:
        say(report.of_another)
    say("exact" if report.exact else "NOT exact")
    return 0 if report.exact else 1


def _layers(report: Report) -> None:
    """The sub-totals: every layer's own weights by the formula and in the model, and what is stored."""
    ledger, values = report.formula.ledger, report.values
    rows: dict[str, list[Any]] = {}
    for row in ledger:
        line = rows.setdefault(row.path, [row.kind, 0, 0, 0, 0])
        for index, convention in enumerate(("per_layer", "unique"), start=1):
            line[index] += integer_value(ledger.counted(row, convention) * row.size, values)  # type: ignore[arg-type]
        line[3] += integer_value(row.total, values)
    for path, found in _grouped(report.tensors).items():
        rows.setdefault(path, ["", 0, 0, 0, 0])[4] += found
    shown = [
        (path or "(model)", kind, number(layer), number(stored), number(real), "=" if named == real else "DIFFERS")
        for path, (kind, layer, stored, named, real) in rows.items()
    ]
    sums = [sum(line[i] for line in rows.values()) for i in (1, 2, 4)]
    heads = [("path", "left"), ("layer type", "left"), *((h, "right") for h in ("per_layer", "unique", "in the model"))]
    show(table(*heads, ("", "left")), shown, ("total", "", *map(number, sums), ""))


def _grouped(tensors: Iterable[Tensor]) -> dict[str, int]:
    """Elements that the real model has under each path of the formula, shared tensors under each of their names."""
    groups: dict[str, int] = {}
    for tensor in tensors:
        if tensor.actual is not None:
            path = tensor.row.path if tensor.row is not None else tensor.name.rpartition(".")[0]
            size = 1
            for dim in tensor.actual:
                size *= dim
            groups[path] = groups.get(path, 0) + size
    return groups


def _described(report: Report, source: str) -> dict[str, Any]:
    return {
        "source": source,
        "class": report.class_name,
        "transformers": report.version,
        "formula_of": report.release or report.version,
        "device": report.device,
        "exact": report.exact,
        "tensors": len(report.tensors),
        "values": exactly(report.values),
        "totals": {t.convention: {"formula": t.formula, "model": t.model} for t in report.totals.values()},
        "torchinfo": report.torchinfo,
        "differences": [str(d) for d in report.differences],
    }
