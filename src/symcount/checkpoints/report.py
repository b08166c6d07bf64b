"""What a checkpoint has, beside what the formula of its config says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symcount.checkpoints.accounting import Entry, Total, account, totals
from symcount.checkpoints.gguf_config import architecture
from symcount.checkpoints.gguf_names import named
from symcount.checkpoints.header import Checkpoint
from symcount.checkpoints.loading import NOTHING, Loading, loading, others
from symcount.checkpoints.logical import LogicalTensor
from symcount.checkpoints.packed import bits_of, unpack
from symcount.core.ledger import Ledger
from symcount.errors import VerificationError
from symcount.formulas.formula import Formula
from symcount.verification.report import numbers_at

__all__ = ["CheckpointReport", "Stated", "in_the_models_names", "verify", "verify_by_config"]


@dataclass(frozen=True)
class Stated:
    """A number that the file gives of itself, beside what its tensors say."""

    name: str
    stated: int
    found: int

    @property
    def equal(self) -> bool:
        """Whether the numbers agree."""
        return self.stated == self.found

    def __str__(self) -> str:
        return f"{self.name}: {self.stated:,}{'' if self.equal else f', but its tensors have {self.found:,}'}"


@dataclass(frozen=True)
class CheckpointReport:
    """What `verify` found in a file.

    Attributes:
        formula: that of the config.
        source: the file or folder.
        format: `safetensors` or `gguf`.
        values: the numbers, by letter, at which the formula was evaluated.
        tensors: every tensor of the file and of the formula.
        totals: by convention.
        stated: what the file says of itself: `total_size` in bytes, `total_parameters`.
        size: bytes of all tensors.
        elements: of all tensors, packed ones as they lie there.
        files: how many there are.
        notes: what a reader should know besides.
    """

    formula: Formula = field(repr=False)
    source: str
    format: str
    values: Mapping[str, Any] = field(repr=False)
    tensors: tuple[Entry, ...] = field(repr=False)
    totals: Mapping[str, Total]
    stated: tuple[Stated, ...]
    size: int
    elements: int
    files: int
    notes: tuple[str, ...] = ()

    @property
    def differences(self) -> tuple[Entry, ...]:
        """Every tensor for which the file is not what the formula says."""
        return tuple(t for t in self.tensors if t.difference)

    @property
    def exact(self) -> bool:
        """Whether the file has every tensor of the formula in its shape, and nothing that is not accounted for."""
        return not self.differences and all(s.equal for s in self.stated)

    @property
    def statuses(self) -> Mapping[str, int]:
        """How many tensors are there, tied, missing, of another shape, beyond."""
        found: Counter[str] = Counter()
        for tensor in self.tensors:
            found[tensor.status] += tensor.times
        return found

    def raise_for_difference(self) -> None:
        """Raise unless the file is exact.

        Raises:
            VerificationError: with the first differences.
        """
        if not self.exact:
            said = [*map(str, self.differences), *(str(s) for s in self.stated if not s.equal)]
            more = f"; and {len(said) - 5} more" if len(said) > 5 else ""
            raise VerificationError(f"{self.source}: {'; '.join(said[:5])}{more}")

    def __str__(self) -> str:
        counts = ", ".join(f"{n} {status}" for status, n in self.statuses.items())
        lines = [f"{self.source} as {self.formula.name}: {counts}"]
        lines += [f"{t.convention}: {t.formula:,} = {t.file:,}" if t.equal else
                  f"{t.convention}: {t.formula:,} ≠ {t.file:,} in the file" for t in self.totals.values()]  # fmt: skip
        lines += [str(s) for s in self.stated]
        lines += [f"differs: {d}" for d in self.differences]
        return "\n".join([*lines, "exact" if self.exact else "NOT exact"])


def verify(
    checkpoint: Checkpoint,
    formula: Formula,
    given: Mapping[str, Any],
    how: Loading | None = None,
    bits: int | None = None,
    ledger: Ledger | None = None,
) -> CheckpointReport:
    """Compare the headers of *checkpoint* with *formula*, tensor by tensor and total by total.

    Args:
        checkpoint: see `symcount.checkpoints.folders.read`.
        formula: of the class that the weights are of.
        given: values by letter.
        how: how the tensors are renamed; by default as transformers does for the formula's class.
        bits: of an element of packed weights, where the config says it.
        ledger: the tensors that the file should have; by default those of the formula.

    Raises:
        CheckpointError: two files have a tensor of one name.
        DomainError, MissingSymbolError: the formula has no value there.
    """
    values = numbers_at(formula, given)
    stored = checkpoint.tensors
    packed = unpack(stored, bits)
    logical, rules = in_the_models_names(checkpoint, formula, packed)
    rules = rules if how is None else how
    wanted = formula.ledger if ledger is None else ledger
    entries = account(wanted, values, logical, rules, checkpoint.absent)
    elements = sum(t.elements for t in stored)
    found = totals(wanted, values, entries)
    stated = _stated(checkpoint, found, elements, packed=len(packed) < len(stored))
    return CheckpointReport(
        formula, checkpoint.source, checkpoint.format, values, entries, found, stated, checkpoint.size,
        elements, len(checkpoint.headers), checkpoint.notes,
    )  # fmt: skip


def verify_by_config(
    checkpoint: Checkpoint, formula: Formula, given: Mapping[str, Any], config: Mapping[str, Any]
) -> CheckpointReport:
    """Compare as `verify` does; parts of a composite model are loaded as the classes are that *config* names for them.

    Raises:
        SymcountError: see `verify`.
    """
    bits = bits_of(config)
    best = verify(checkpoint, formula, given, bits=bits)
    if not best.exact and checkpoint.format != "gguf":
        for how in others(formula.name, formula.model_type, config):
            report = verify(checkpoint, formula, given, how, bits)
            if len(report.differences) < len(best.differences):
                best = report
            if best.exact:
                break
    return best


def in_the_models_names(
    checkpoint: Checkpoint, formula: Formula, tensors: list[LogicalTensor]
) -> tuple[list[LogicalTensor], Loading]:
    """The tensors of a file, and the rules by which they get the names of the model; a gguf file's have them then."""
    if checkpoint.format == "gguf":
        return named(tensors, architecture(checkpoint), [row.tensor for row in formula.ledger]), NOTHING
    return tensors, loading(formula.name, formula.model_type)


def _stated(checkpoint: Checkpoint, found: Mapping[str, Total], elements: int, *, packed: bool) -> tuple[Stated, ...]:
    """The numbers of an index; where a shard is missing there is nothing to compare them with."""
    if checkpoint.absent:
        return ()
    known = {"total_size": (checkpoint.size,), "total_parameters": (found["unique"].file, elements)}
    if packed:  # what is a parameter of packed weights is said in several ways
        del known["total_parameters"]
    return tuple(
        Stated(name, int(value), int(value) if int(value) in known[name] else known[name][0])
        for name, value in checkpoint.metadata.items()
        if name in known and isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    )
