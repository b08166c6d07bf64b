"""The formulas among which a class chooses by its numbers, and what its models need to run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from symcount.architectures import find
from symcount.config.config import Config
from symcount.core.domain import Condition, divides, relation
from symcount.core.notation import Notation, tabulated
from symcount.core.values import resolve
from symcount.errors import UnknownModelError
from symcount.expressions.conditions import Stated
from symcount.formulas.formula import Formula

__all__ = ["Case", "cases", "declared", "disjoint", "running"]

Case = tuple[Formula, Mapping[str, Any]]


def cases(formula: Formula, config: Config | None, beside: Collection[str]) -> list[Case]:
    """Every formula that a class has for *config*, whatever *beside* will be, with the values of the other symbols.

    ELECTRA projects its embeddings where they are not as wide as its layers: two formulas, of which the numbers choose
    one. All have the symbols of *formula*, which is the first where it is the one of the usual case.

    Args:
        formula: one of them.
        config: what is given; `None` for this formula alone.
        beside: letters that are free or fixed.

    >>> import symcount as sc
    >>> [str(f.conditions or f.domain[0]) for f, _ in cases(sc.formula("electra"), Config({}, "electra"), ["Z"])]
    ['Z ≠ H', 'Z = H']
    """
    if config is None:
        return [(formula, formula.given(None, beside))]
    found = _stored(formula, config, beside)
    if found is None:
        found = [(case, case.given(config, beside)) for case in _composed(formula, config)]
    return [(_in_letters(case, formula), given) for case, given in found]


def _stored(formula: Formula, config: Config, beside: Collection[str]) -> list[Case] | None:
    """The cases of a formula of the atlas; `None` for one of another origin."""
    from symcount.atlas.formula import AtlasFormula
    from symcount.atlas.formula import cases as stored

    return list(stored(formula, config, beside)) if isinstance(formula, AtlasFormula) else None


def _composed(formula: Formula, config: Config) -> list[Formula]:
    """The formula, and the same class's for other values of the options that its numbers decide."""
    try:
        architecture = find(formula.name)
    except UnknownModelError:
        return [formula]
    names = [n for n in architecture.decided if n in formula.options and n not in config.fields]
    if formula.origin == "derived" or not names:
        return [formula]
    usual = tuple(formula.options[n] for n in names)
    others = [c for c in product((True, False), repeat=len(names)) if c != usual]
    return [
        formula,
        *(architecture.formula(**{**formula.options, **dict(zip(names, c, strict=True))}) for c in others),
    ]


def _in_letters(case: Formula, formula: Formula) -> Formula:
    notation = _united(formula.notation, case.notation)
    if notation.entries == case.notation.entries and not formula.measures:
        return case
    return replace(case, notation=notation, measures=formula.measures)


def _united(first: Notation, other: Notation) -> Notation:
    """The symbols of *other*, in the order of *first*, and those that only *first* has."""
    own = {e.letter: e for e in other}
    entries = [own.get(e.letter, e) for e in first]
    letters = {e.letter for e in entries}
    return Notation((*entries, *(e for e in other if e.letter not in letters)))


def running(formula: Formula, defaults: Mapping[str, Any]) -> tuple[Stated, ...]:
    """What a model needs to run, beyond what it needs to be built: a whole number of heads for each key-value head.

    A condition that the class's own defaults do not fulfil is none of this class.

    >>> import symcount as sc
    >>> llama = sc.formula("LlamaForCausalLM")
    >>> [str(c) for c in running(llama, llama.given())]
    ['K divides A']
    """
    own = {n: v for n, v in defaults.items() if n in formula.notation}
    found: list[Condition] = []
    for e in formula.notation:
        kind, mark, part = e.letter.partition("_")
        other = {"K": "A", "k": "E"}.get(kind)
        if other is None or (beside := f"{other}{mark}{part}") not in formula.notation:
            continue
        of = formula.notation[beside].symbol
        found.append(divides(e.symbol, of) if kind == "K" else relation(e.symbol, "<=", of))
    at = {**defaults, **resolve(formula.notation, own, formula.filled, ())}
    return tuple(Stated.of(c, implied=True) for c in found if not all(s.name in at for s in c.symbols) or c.holds(at))


def declared(formula: Formula, name: str) -> str:
    """The config field that *name* says, where the class has it and the formula does not; empty otherwise.

    >>> import symcount as sc
    >>> albert = sc.formula("albert")
    >>> declared(albert, "N"), declared(albert, "n_layer"), declared(albert, "x")
    ('num_hidden_layers', 'num_hidden_layers', '')
    """
    from symcount.atlas.counting import counter

    found = counter()
    stored = None if found is None else found.atlas.find(formula.name)
    known = tabulated().get(name)
    fields = stored.layouts[0].sections[""].types if stored is not None and stored.layouts else {}
    return next((f for f in (name, *([known.field] if known is not None else [])) if f in fields), "")


def disjoint(one: Iterable[Condition], other: Iterable[Condition]) -> bool:
    """Whether two domains have no point in common, as far as one says the opposite of what the other says."""
    known = set(other)
    return any(c.opposite in known for c in one)
