"""Verification: a formula against the real model, tensor by tensor and total by total.

Every name in `named_parameters(remove_duplicate=False)` is matched with a row of the ledger: the row's path, with `*`
for the index in a list, its shape evaluated at the config's numbers, and its multiplicity. Names that share memory in
the model must be tied in the formula and the other way round, and frozen tensors must be frozen in both. Then the
totals of every convention are compared with numbers that `real_model` reads off the model by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from sympy import Symbol

from symcount.architectures import GIVEN, find
from symcount.config.config import Config, read
from symcount.config.releases import number
from symcount.core.ledger import CONVENTIONS
from symcount.core.paths import value_at
from symcount.core.values import by_letter, check_domain, resolve
from symcount.errors import ConfigError, DomainError, UnknownModelError, VerificationError
from symcount.exact.evaluate import integer_value
from symcount.foreign import guarded
from symcount.formulas.formula import Formula
from symcount.typeset.content import Cell, Count, Table
from symcount.typeset.html import block
from symcount.verification import real_model
from symcount.verification.matching import Tensor, match

__all__ = ["Report", "Tensor", "Total", "compare", "numbers_at", "realised", "verify"]

MOST_TENSORS = 500_000  # ten times those of the largest published models, and minutes of building


@dataclass(frozen=True)
class Total:
    """One convention: the formula's number and the model's, `None` where the model cannot be asked."""

    convention: str
    formula: int
    model: int | None

    @property
    def equal(self) -> bool:
        """Whether the numbers agree; true where the model was not asked."""
        return self.model is None or self.formula == self.model

    def __str__(self) -> str:
        if self.model is None:
            return f"{self.convention}: {self.formula:,}, not checked"
        return f"{self.convention}: {self.formula:,} {'=' if self.equal else f'≠ {self.model:,} in'} the model"


@dataclass(frozen=True)
class Report:
    """What `verify` found.

    Attributes:
        formula: the formula that was checked.
        class_name: the real class.
        device: where it was built.
        version: transformers' version.
        values: the numbers, by letter, at which the formula was evaluated.
        tensors: every parameter name, of the model and of the formula.
        totals: by convention.
        torchinfo: torchinfo's number where it is installed; for information.
        release: the release of transformers of which the formula is, as far as it is of one.
    """

    formula: Formula = field(repr=False)
    class_name: str
    device: str
    version: str
    values: Mapping[str, Any]
    tensors: tuple[Tensor, ...] = field(repr=False)
    totals: Mapping[str, Total] = field(repr=False)
    torchinfo: int | None = None
    release: str = ""

    @property
    def of_another(self) -> str:
        """That the formula is of another release than the model, and how to have that of the model; mostly nothing."""
        if not self.release or number(self.release) == number(self.version):
            return ""
        return f"the formula is that of transformers {self.release}; symcount derive gives that of {self.version}"

    @property
    def differences(self) -> tuple[Tensor | Total, ...]:
        """Every tensor and every total about which formula and model disagree."""
        return (*(t for t in self.tensors if t.difference), *(t for t in self.totals.values() if not t.equal))

    @property
    def exact(self) -> bool:
        """Whether formula and model agree in every tensor and every total."""
        return not self.differences

    def raise_for_difference(self) -> None:
        """Raise unless the formula is exact.

        Raises:
            VerificationError: with the first differences.
        """
        if not self.exact:
            found = [*([self.of_another] if self.of_another else []), *map(str, self.differences)]
            more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
            raise VerificationError(f"{self.class_name}: {'; '.join(found[:5])}{more}")

    def _repr_html_(self) -> str:
        rows: list[tuple[Cell, ...]] = [
            (t.convention, Count(t.formula), "not checked" if t.model is None else Count(t.model))
            for t in self.totals.values()
        ]
        columns = (("Convention", "left"), ("Formula", "right"), ("Model", "right"))
        head, *_ = str(self).splitlines()
        wrong = "".join(f"<li>{escape(str(d))}</li>" for d in self.differences[:20])
        verdict = "exact" if self.exact else f"<b>not exact</b><ul>{wrong}</ul>"
        return f"<p>{escape(head)}: {verdict}</p>\n{block(Table(columns, rows))}"

    def __str__(self) -> str:
        good = sum(not t.difference for t in self.tensors)
        head = f"{self.class_name} of transformers {self.version} on {self.device}: "
        lines = [f"{head}{good} of {len(self.tensors)} tensors match", *map(str, self.totals.values())]
        if self.torchinfo is not None:
            lines.append(f"torchinfo: {self.torchinfo:,}")
        lines += [f"differs: {d}" for d in self.differences]
        lines += [self.of_another] if self.of_another else []
        return "\n".join([*lines, "exact" if self.exact else "NOT exact"])


@guarded
def verify(formula: Formula, config: Any = None, *, device: str = "meta", **values: Any) -> Report:
    """Build the model that *formula* speaks of, and compare the two in every tensor and every total.

    Args:
        formula: composed or derived; its `name` is the class.
        config: `config.json` path or dict, or a transformers config; fields left out have the class's defaults.
        device: `meta`, which allocates nothing, or `cpu`.
        values: letters or config fields that differ from *config*.

    Raises:
        DependencyError: torch or transformers is missing.
        UnknownModelError: transformers has no such class.
        ConfigError, OptionError: a config of another model, or one that the formula does not hold for.
        DomainError, MissingSymbolError: the formula has no value at the config, or the model too many tensors.
    """
    if not formula.name:
        raise ConfigError("the formula has no class name, so there is no real model to build; give it one: renamed(…)")
    numbers, model = realised(formula, config, by_letter(formula.notation, values), device)
    return replace(compare(formula, numbers, model), device=device)


def realised(
    formula: Formula, config: Any, values: Mapping[str, Any], device: str = "meta"
) -> tuple[dict[str, Any], Any]:
    """The numbers of a config, with single *values* changed, by letter; and the real model there.

    Raises:
        SymcountError: see `verify`.
    """
    if (found := formula.binding.real_model(formula, config, values, device)) is not None:
        return numbers_at(formula, found[0]), found[1]
    given = read({} if config is None else config)
    stated = formula.bound(given)
    numbers = numbers_at(formula, {**stated, **values}) if formula.origin == "composed" else values
    model_class = real_model.model_class(formula.name, formula.model_type)
    arguments = real_model.constructor_options(model_class, formula.options)
    fields = _fields(formula, given, {letter: numbers[letter] for letter in values}, arguments)
    real = real_model.make_config(model_class, fields, formula.model_type)
    if formula.origin == "derived":  # sub-configs and computed fields: what the config class makes of them
        numbers = numbers_at(formula, {**stated, **_computed(formula, real, stated, given, arguments), **values})
    _check_number(formula, numbers)
    return dict(numbers), real_model.build(model_class, real, arguments, device)


def compare(formula: Formula, values: Mapping[str, Any], model: Any) -> Report:
    """Compare *formula* at *values* (by letter) with an existing torch module."""
    actual = real_model.totals(model)
    active = any(row.active != 1 for row in formula.ledger)
    totals: dict[str, Total] = {}
    for name in CONVENTIONS:
        number = integer_value(formula.total_as(name), values)
        totals[name] = Total(name, number, None if name == "active" and active else actual[name])
    tensors = match(formula.ledger.rows, values, model)
    version = str(real_model.transformers().__version__)
    torchinfo = real_model.torchinfo_total(model)
    release = str(getattr(formula, "release", ""))
    return Report(formula, type(model).__name__, "", version, values, tensors, totals, torchinfo, release)


def _check_number(formula: Formula, values: Mapping[str, Any]) -> None:
    """Refuse a model that would have too many tensors to be built."""
    times = Counter(row.number for row in formula.ledger)
    number = sum(of * integer_value(repeat, values) for repeat, of in times.items())
    if number > MOST_TENSORS:
        raise DomainError(
            f"{formula.name}: a model of {number:,} tensors takes too long to build; compare one with fewer layers"
        )


def numbers_at(formula: Formula, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values for every symbol of every shape and multiplicity, checked against the domain."""
    used = {s for row in formula.ledger for e in (*row.shape, row.number, row.active) for s in e.free_symbols}
    used -= {index.symbol for row in formula.ledger for index in row.indices}
    values = resolve(formula.notation, given, formula.filled, [s for s in used if isinstance(s, Symbol)])
    check_domain(formula.notation, formula.domain, values)
    return values


def _computed(
    formula: Formula, real: Any, stated: Mapping[str, Any], given: Config, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Values by letter that the config class makes of the others, now that single ones were changed.

    Only where that class says the same as the formula of the config as it was given: HrmText keeps the number of all
    layers under the name of that from which it was computed.
    """
    before = _read_off(formula, real_model.make_config(
        real_model.model_class(formula.name, formula.model_type), _fields(formula, given, {}, arguments),
        formula.model_type,
    ))  # fmt: skip
    found = _read_off(formula, real)
    return {k: v for k, v in found.items() if k not in stated or before.get(k) == stated[k]}


def _read_off(formula: Formula, config: Any) -> dict[str, Any]:
    """Values by letter from the real config object; fields that are no numbers there are left out."""
    values = {}
    for item in formula.notation:
        value = value_at(config, item.field, attribute=real_model.attribute)
        if isinstance(value, int | float) and not isinstance(value, bool):
            values[item.letter] = value
    return values


def _fields(
    formula: Formula, given: Config, changed: Mapping[str, Any], arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """What the real config class is told: the formula's options, the config's own fields, then single values."""
    fields = {**_told(formula, arguments), **given.fields}
    if fields.get("add_cross_attention") is True:
        fields.setdefault("is_decoder", True)  # transformers builds cross-attention in decoders only
    for letter, value in changed.items():
        name = formula.notation[letter].field
        if name == "num_labels":  # two fields of a config.json say the same
            fields.pop("id2label", None)
            fields.pop("label2id", None)
        fields[name] = value
    return fields


def _told(formula: Formula, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The formula's options that are the config's and not what it has anyway."""
    try:
        architecture = find(formula.name)
    except UnknownModelError:  # a formula of another origin: all of them
        return {n: v for n, v in formula.options.items() if v != GIVEN and n not in arguments}
    chosen = {n: v for n, v in formula.options.items() if n in architecture.options and n not in architecture.decided}
    return {n: v for n, v in chosen.items() if v not in (GIVEN, architecture.options[n])}
