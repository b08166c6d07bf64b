"""A pattern of kinds of layers as an unknown: `layer_types` repeats one of several, down to any depth.

Of a pattern of p layers, the kind at the places j, … has `Σ ⌊(N + p - 1 - j)/p⌋` of N layers: a rule for the number of
layers of that kind, which is what the formula of such a config counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sympy import Add, Expr, floor

from symcount.config.config import Config
from symcount.config.kind_lists import MARK
from symcount.core.notation import Entry, Notation, tabulated
from symcount.errors import ExpressionError
from symcount.formulas.formula import Formula
from symcount.lookup import formula as formula_of
from symcount.solver.sizes import DEPTH

__all__ = ["Pattern", "Patterned", "patterned", "read_patterns"]

Pattern = tuple[str, ...]
_WORDS = re.compile(r"[A-Za-z_][\w-]*(?:\s+[A-Za-z_][\w-]*)*\Z", re.ASCII)
_LONGEST, _MOST, _KINDS = 256, 64, 6  # layers of a pattern, patterns, kinds in one


@dataclass(frozen=True)
class Patterned:
    """A class where a list of kinds repeats a pattern.

    Attributes:
        formula: what counts it, with the number of all layers among its symbols.
        config: a config that has the list.
        rules: the number of layers of each kind, by letter, from that of all.
        depth: the letter of the number of all layers.
        layers: what that is by default.
        lists: the pattern, by the field of the list.
    """

    formula: Formula
    config: Config
    rules: Mapping[str, Expr]
    depth: str
    layers: int
    lists: Mapping[str, Pattern]


def read_patterns(value: Any) -> list[Pattern] | None:
    """The patterns that *value* says: `"conv conv full_attention, conv full_attention"`, or lists of words.

    `None` where it says no words.

    >>> read_patterns("conv conv attention, conv")
    [('conv', 'conv', 'attention'), ('conv',)]
    >>> read_patterns([["conv", "attention"]]), read_patterns("64..128")
    ([('conv', 'attention')], None)
    """
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, Iterable):
        return None
    found: list[Pattern] = []
    for item in items:
        words = item.split() if isinstance(item, str) and _WORDS.match(item.strip()) else item
        if not isinstance(words, list | tuple) or not words or not all(isinstance(w, str) for w in words):
            return None
        found.append(tuple(words))
    return found or None


def patterned(formula: Formula, config: Config | None, field: str, patterns: Sequence[Pattern]) -> list[Patterned]:
    """The class of *formula* with each of several patterns in the list *field*.

    Raises:
        ExpressionError: too many patterns, or the list does not change the count.
        SymcountError: the class has no formula for such a list.
    """
    if len(patterns) > _MOST or any(len(p) > _LONGEST or len(set(p)) > _KINDS for p in patterns):
        raise ExpressionError(
            f"{field}: at most {_MOST} patterns of at most {_LONGEST} layers of {_KINDS} kinds are searched"
        )
    return [_with(formula, config, field, pattern) for pattern in dict.fromkeys(patterns)]


def _with(formula: Formula, config: Config | None, field: str, pattern: Pattern) -> Patterned:
    words = list(dict.fromkeys(pattern))
    each = [word for i, word in enumerate(words) for _ in range(1 << i)]  # a sum says which words are in it
    fields = {**(config.fields if config is not None else {}), field: each, DEPTH: len(each)}
    content = {"model_type": formula.model_type, **fields, "architectures": [formula.name]}
    found = formula_of(content)
    letters = [e.letter for e in found.notation if e.field.startswith(f"{field}{MARK}")]
    numbers = found.values(found.bound(content))
    kinds = {n: [word for i, word in enumerate(words) if int(numbers.get(n, 0)) >> i & 1] for n in letters}
    if sorted(word for own in kinds.values() for word in own) != sorted(words):
        raise ExpressionError(
            f"{field}: the count of {formula.name} does not depend on how many layers are {' or '.join(words)}; "
            "leave it out"
        )
    depth = _depth(formula, found)
    rules = {letter: _number(depth, pattern, own) for letter, own in kinds.items()}
    whole = replace(found, notation=Notation((depth, *(e for e in found.notation if e.letter != depth.letter))))
    return Patterned(
        whole, Config(content, formula.name), rules, depth.letter, _usual(formula, config), {field: pattern}
    )


def _usual(formula: Formula, config: Config | None) -> int:
    stated = config.fields.get(DEPTH) if config is not None else None
    if isinstance(stated, int):
        return stated
    known = formula.given(config)
    return next((int(known[e.letter]) for e in formula.notation if e.field == DEPTH and e.letter in known), 1)


def _depth(formula: Formula, found: Formula) -> Entry:
    own = next((e for e in formula.notation if e.field == DEPTH), None) or tabulated()[DEPTH]
    return own if own.letter not in found.notation else replace(own, letter=DEPTH, latex=r"N_{\mathrm{all}}")


def _number(depth: Entry, pattern: Pattern, words: Collection[str]) -> Expr:
    """How many of the layers have one of some words."""
    places = [j for j, each in enumerate(pattern) if each in words]
    return Add(*(floor((depth.symbol + len(pattern) - 1 - j) / len(pattern)) for j in places))
