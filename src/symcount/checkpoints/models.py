"""The model that a file of weights is of: its class, its options and its numbers, by its config or by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from symcount.checkpoints.header import Checkpoint
from symcount.checkpoints.identify import candidates
from symcount.checkpoints.logical import LogicalTensor
from symcount.checkpoints.packed import bits_of, unpack
from symcount.checkpoints.report import CheckpointReport, in_the_models_names, verify
from symcount.checkpoints.shapes import Numbers, read_off
from symcount.config.config import Config
from symcount.errors import CheckpointError, SymcountError
from symcount.formulas.formula import Formula

__all__ = ["FileModel", "model_of"]

Maker = Callable[..., Formula]
"""`symcount.formula`: from a config, or a class name and options, to a formula."""


@dataclass(frozen=True)
class FileModel:
    """What a file says of its model.

    Attributes:
        formula: of the class.
        numbers: at which it has the file's shapes.
        config: what its config says; `None` where there is none.
        alike: other classes that have the same tensors.
    """

    formula: Formula
    numbers: Numbers
    config: Config | None = None
    alike: tuple[str, ...] = field(default=())


def model_of(checkpoint: Checkpoint, config: Config | None, make: Maker) -> FileModel:
    """The model that the weights of *checkpoint* are of.

    Args:
        checkpoint: see `symcount.checkpoints.folders.read`.
        config: its config; without one every class is tried whose tensors are called like the file's.
        make: `symcount.formula`.

    Raises:
        CheckpointError: there is no config, and no class has these tensors.
        SymcountError: the config names no class, or options that there is no formula for.
    """
    if config is not None:
        formula = make(config)
        tensors = unpack(checkpoint.tensors, bits_of(config.fields))
        return FileModel(formula, _numbers(checkpoint, formula, tensors, formula.bound(config)), config)
    exact: list[FileModel] = []
    nearest: CheckpointReport | None = None
    for found, report in _tried(checkpoint, make):
        if report.exact:
            exact.append(found)
        elif nearest is None or len(report.differences) < len(nearest.differences):
            nearest = report
    if exact:
        first, *others = exact
        return FileModel(first.formula, first.numbers, None, tuple(m.formula.name for m in others))
    said = f"; the nearest is {nearest.formula.name}, but {nearest.differences[0]}" if nearest is not None else ""
    raise CheckpointError(f"{checkpoint.source}: no config.json, and no class has exactly these tensors{said}")


def _tried(checkpoint: Checkpoint, make: Maker) -> Iterator[tuple[FileModel, CheckpointReport]]:
    """Each class that may be meant, at the numbers that the shapes give, and how it fits."""
    tensors = unpack(checkpoint.tensors)
    for name in candidates(t.name for t in checkpoint.tensors):
        for options in ({}, {"tie_word_embeddings": True}, {"tie_word_embeddings": False}):
            try:
                formula = make(name, **options)
                numbers = _numbers(checkpoint, formula, tensors, {})
                report = verify(checkpoint, formula, {**formula.defaults, **numbers.values})
            except SymcountError:  # not with these options, or not at these numbers
                continue
            yield FileModel(formula, numbers), report
            if report.exact:
                break


def _numbers(
    checkpoint: Checkpoint, formula: Formula, tensors: list[LogicalTensor], stated: Mapping[str, Any]
) -> Numbers:
    named, rules = in_the_models_names(checkpoint, formula, tensors)
    return read_off(formula, named, rules, stated)
