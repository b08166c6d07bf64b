"""A config for a derived formula: the numbers that go into its symbols, or a refusal.

A formula speaks of the configs that differ from the one it was derived at in numbers only. So a config is read by its
own class, its numbers are put into the formula's config, and the two are compared in every field that the construction
of the model reads: `head_dim` given where the formula has `H/A`, an option that is switched, another pattern of layer
types. If they differ, the real model decides: where it has the formula's tensors, one by one, the difference is of no
consequence; otherwise the config is refused, and the field is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symcount.concolic.config.config_source import (
    PATH_KEY,
    ConfigSource,
    fields_in,
    is_config,
    is_of_transformers,
    walk,
)
from symcount.concolic.config.source import source_of, varies_by_layer
from symcount.concolic.config.stand_ins import stands_in
from symcount.concolic.config.symbolic import build
from symcount.concolic.session import quiet
from symcount.concolic.values.predicates import holds
from symcount.config.config import Config, read
from symcount.config.kind_lists import MARK, KindList
from symcount.core.paths import path_of, value_at
from symcount.core.values import exact, title
from symcount.derivation.certificate import disagreements
from symcount.derivation.constructor import Passed
from symcount.derivation.formula import DerivedFormula
from symcount.derivation.kind_detection import number_in, with_kind_lists
from symcount.derivation.own_models import own_source
from symcount.derivation.per_layer_lists import following
from symcount.derivation.resolve import config_object, shortened
from symcount.errors import ConfigError, OptionError
from symcount.verification import real_model

__all__ = ["bind", "realise"]

_ABSENT = object()


def bind(formula: DerivedFormula, config: Any) -> dict[str, Any]:
    """Values by letter at which *formula* counts the model of *config*.

    Args:
        formula: derived.
        config: a path to a `config.json`, a dict of its form, a transformers config, or an instance of the dataclass
            that a class of your own takes. Empty, it is the formula's own.

    Raises:
        ConfigError: it cannot be read, belongs to another model, or transformers rejects it.
        OptionError: the formula does not hold for it; the message names the field, what the formula holds for, what was
            given, and the remedy.
        DomainError: a size is less than it can be.
    """
    source, said = _source(formula, config)
    if source is None:
        return dict(formula.defaults)
    try:
        with quiet():
            symbols = build(source, {}, ()).symbols
            asked = build(source, symbols, frozenset(symbols)).config
    except Exception as error:  # noqa: BLE001  # a config class raises whatever its validation raises
        raise ConfigError(f"{said}: the config is rejected: {shortened(error)}") from None
    values = {
        n: v if (v := symbols.get(n, _ABSENT)) is not _ABSENT else value_at(asked, n, _ABSENT, real_model.attribute)
        for n in formula.base
    }
    values |= {n: number_in(asked, n, _arrangement(formula, n)) for n in formula.base if MARK in n}
    numbers = {n: v for n, v in values.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    for item in formula.notation:
        if item.field not in numbers:
            given = values[item.field]
            what = "does not have it" if given is _ABSENT else f"has {given!r:.80}"
            raise OptionError(
                f"{said}: the formula has a number for {title(item)}, the config {what}; {remedy(formula)}"
            )
        exact(item, numbers[item.field])
    if found := _deviations(formula, asked, numbers):
        _decide(formula, asked, numbers, f"{said}: {'; '.join(found[:3])}")
    elif varies_by_layer(asked):  # what its layers have of their own is in no field that was compared
        _decide(formula, asked, numbers, f"{said}: layers that differ in numbers of their own")
    return {e.letter: numbers[e.field] for e in formula.notation}


def realise(
    formula: DerivedFormula, config: Any, changed: Mapping[str, Any], device: str = "meta"
) -> tuple[dict[str, Any], Any]:
    """Values by letter and the real model: that of *config*, with some of the formula's symbols *changed*.

    Raises:
        ConfigError: the config is rejected, or the model cannot be built there, or there is no such device.
        OptionError: the formula does not hold for it.
    """
    single = {formula.notation[name]: exact(formula.notation[name], value) for name, value in changed.items()}
    stated = {} if config is None else config
    values = {**bind(formula, stated), **{item.letter: value for item, value in single.items()}}
    source, _ = _source(formula, stated)
    fields = {item.field: float(v) if isinstance(v, Fraction) else v for item, v in single.items()}
    kinds = {item.field: values[item.letter] for item in formula.notation if MARK in item.field}
    if source is not None and single and kinds:
        lists = {n.partition(MARK)[0]: _arrangement(formula, n) for n in kinds}
        source, fields = with_kind_lists(source, lists), {**kinds, **fields}
    if source is None:
        source, fields = formula.source, {**formula.base, **fields}
    with quiet():
        try:
            source = following(source, formula.source) if single else source
            fields = {**build(source, {}, ()).symbols, **fields}
            real = build(source, fields, frozenset(fields)).config
        except Exception as error:  # noqa: BLE001  # a config class raises whatever its validation raises
            raise ConfigError(f"{formula.name}: the config is rejected: {shortened(error)}") from None
        return values, real_model.build(formula.cls, real, {}, device)


def remedy(formula: DerivedFormula) -> str:
    """What to do about a config for which *formula* does not hold."""
    call = "config" if is_of_transformers(formula.source.cls) else f"{formula.cls.__name__}, config"
    return f"derive a formula of its own: symcount.derive({call})"


def _source(formula: DerivedFormula, config: Any) -> tuple[ConfigSource | None, str]:
    """How to construct the config, and what to call it; `None` for an empty one."""
    if not is_of_transformers(formula.source.cls):
        return own_source(formula.cls, formula.source, config)
    if not isinstance(config, Config | Mapping) and is_config(config):
        if type(config) is not formula.source.cls:
            raise ConfigError(
                f"{type(config).__name__} is not the config of {formula.name}; expected {formula.source.cls.__name__}"
            )
        return source_of(config, formula.cls), type(config).__name__
    described = read(config)
    if not described.fields:
        return None, described.source
    stated = described.model_type
    if stated is None:
        described = replace(described, fields={**described.fields, "model_type": formula.model_type})
    found = config_object(described, formula.cls)
    if type(found) is not formula.source.cls:
        raise ConfigError(
            f"{described.source} is a config of {stated}, but the formula is of {formula.model_type}; "
            f"use its own formula: symcount.formula({stated!r})"
        )
    return source_of(found, formula.cls, described.fields), described.source


def _arrangement(formula: DerivedFormula, name: str) -> KindList:
    """The list whose number of layers of one kind is called *name*."""
    found: Any = formula.source
    for part in name.partition(MARK)[0].split("."):
        found = found.kwargs[part]
    assert isinstance(found, KindList)  # noqa: S101  # only such a list has numbers of kinds
    return found


def _deviations(formula: DerivedFormula, asked: Any, numbers: Mapping[str, Any]) -> list[str]:
    """Where *asked* is not the formula's config at the same numbers: fields that the model reads, and conditions."""
    found = []
    for name, kept in formula.pinned.items():
        if numbers.get(name) != kept:
            where = f" (lost at {line})" if (line := formula.lost_at(name)) else ""
            found.append(f"{name} = {numbers.get(name)}, but the formula holds for {name} = {kept}{where}")
    free = {n: v for n, v in numbers.items() if n not in formula.pinned}
    try:
        with quiet():
            own = build(formula.source, {**formula.base, **free}, frozenset({*formula.base, *free})).config
    except Exception as error:  # noqa: BLE001  # a config class raises whatever its validation raises
        return [*found, f"the formula's own config has no such values ({shortened(error)})"]
    for name, given in _beyond(own, asked):
        found.append(f"{name} = {_word(given)}, but the formula holds for {name} left out")
    for name in formula.default.config_reads:
        if name in formula.pinned:
            continue
        expected, given = (value_at(config, name, _ABSENT, real_model.attribute) for config in (own, asked))
        if not is_config(expected) and not _same(expected, given):
            computed = isinstance(expected, int | float) and not isinstance(expected, bool) and name not in formula.base
            wanted = f"left out (here {expected})" if computed else f"= {_word(expected)}"
            found.append(f"{name} = {_word(given)}, but the formula holds for {name} {wanted}")
    supposed = (c for c in formula.asked if holds(c, formula.base) and not holds(c, numbers))
    return [*found, *(f"the formula supposes that {condition}" for condition in supposed)]


def _beyond(own: Any, asked: Any) -> Iterator[tuple[str, Any]]:
    """What a dict, a namespace or a call in *asked* has, and that of the formula has not; no class declares it."""
    for path, instance in walk(asked):
        if stands_in(type(instance)) or isinstance(instance, Passed):
            like = value_at(own, path, _ABSENT, real_model.attribute)
            known = fields_in(like) if stands_in(type(like)) or isinstance(like, Passed) else {}
            for name, value in fields_in(instance).items():
                if name not in known and name != PATH_KEY:
                    yield path_of(path, name), value


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if is_config(a) and is_config(b):  # its own fields are compared one by one
        return True
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def _word(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else f"{value!r:.80}"


def _decide(formula: DerivedFormula, asked: Any, numbers: Mapping[str, Any], said: str) -> None:
    """Let the real model decide whether the formula counts it in spite of what *said* says."""
    with quiet():
        model = real_model.build(formula.cls, asked, {})
    if disagreements(formula, numbers, model, asked):
        raise OptionError(f"{said}; {remedy(formula)}")
