"""What is free in a ladder, and how the other sizes follow."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd
from typing import Any

from sympy import Expr, Integer, Max, Rational

from symcount.core.values import resolve
from symcount.errors import ExpressionError
from symcount.expressions.reader import FUNCTIONS
from symcount.formulas.formula import Formula
from symcount.solver.sizes import family_sizes, in_stages, layer_sizes

__all__ = ["family", "letters_of", "step_of"]


def family(
    formula: Formula, defaults: Mapping[str, Any], head_dim: int, free: Any, fixed: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Free symbols and rules of a ladder, where nothing else is said; see `ladder`."""
    if isinstance(head_dim, bool) or not hasattr(head_dim, "__index__") or head_dim < 1:
        raise ExpressionError(f"head_dim {head_dim!r:.40}: expected a positive integer")
    notation = formula.notation
    rules: dict[str, Any] = {notation[name].letter: value for name, value in fixed.items()}
    width, depth = family_sizes(formula)
    if free is None:
        free = _free(formula, width, depth, step_of(formula, defaults, head_dim), rules)
    taken = {*rules, *letters_of(formula, free)}
    full = resolve(notation, defaults, formula.filled, ())

    def default(letter: str, rule: Any) -> None:
        if letter in notation and letter not in taken:
            rules[letter] = rule
            taken.add(letter)

    def like(letter: str, main: str, multiple: int) -> None:
        """Let a size keep its ratio to another one; rounded, where the ratio is no whole number."""
        if letter in taken or letter not in defaults or not full.get(main):
            return
        size = notation[main].symbol * Rational(defaults[letter], full[main])
        whole = defaults[letter] % full[main] == 0
        rounded = FUNCTIONS["round_to"][0](size, Integer(multiple))
        default(letter, size if whole else Max(1, rounded) if multiple == 1 else rounded)

    if not width:
        return free, rules
    first = ""
    parts = list(dict.fromkeys(e.letter.partition("_")[2] for e in notation))
    for part in parts:
        mark = f"_{part}" if part else ""
        own = f"H{mark}" if f"H{mark}" in notation else width
        if own != width:
            like(own, width, head_dim)
        heads, groups = f"A{mark}", f"K{mark}"
        if not mark or heads in notation:
            default(f"D{mark}", Integer(head_dim))
        if heads in notation and heads in full:
            share = Integer(1)
            if own == width:  # stages have heads in proportion
                first = first or heads
                share = Rational(full[heads], full[first])
            default(heads, _solved(formula, heads, rules) or notation[own].symbol * share / head_dim)
        if heads in defaults and groups in defaults and heads in notation:
            default(groups, notation[heads].symbol * Rational(defaults[groups], defaults[heads]))
        if depth and mark and f"N{mark}" in notation and notation[f"N{mark}"].scales:
            like(f"N{mark}", depth, 1)
    for letter in layer_sizes(formula):
        part = letter.partition("_")[2]
        own = f"H_{part}" if part and f"H_{part}" in notation else width
        stage = in_stages(formula, letter) and in_stages(formula, width)
        if letter != width and (stage or defaults.get(letter, 0) >= head_dim):  # a convolution's width does not grow
            like(letter, own, step_of(formula, defaults, head_dim))
    return free, rules


def step_of(formula: Formula, known: Mapping[str, Any], head_dim: int) -> int:
    """In what steps widths grow: of a head; in stages also of what their own width is a multiple of, 96 of 32."""
    width, depth = family_sizes(formula)
    own = known.get(width)
    return gcd(head_dim, own) if in_stages(formula, depth) and isinstance(own, int) else head_dim


def _free(formula: Formula, width: str, depth: str, step: int, rules: Mapping[str, Any]) -> dict[str, Any]:
    """The width in steps, and the depth."""
    missing = [kind for kind, letter in (("H", width), ("N", depth)) if not letter]
    if missing:
        raise ExpressionError(f"{formula.name} has no {' or '.join(missing)}: say what is free, and with what ranges")
    return {n: r for n, r in {width: f"{step}..:{step}", depth: None}.items() if n not in rules}


def _solved(formula: Formula, letter: str, rules: Mapping[str, Any]) -> Expr | None:
    """What a condition of the formula makes of *letter*, where it enters linearly: A = HX/D of Mamba's H·X = A·D."""
    wanted = formula.notation[letter].symbol
    for condition in formula.domain:
        difference = condition.left - condition.right
        if condition.relation != "==" or wanted not in difference.free_symbols or not difference.is_polynomial(wanted):
            continue
        slope = difference.coeff(wanted)
        rest = (difference - slope * wanted).expand()
        if slope != 0 and wanted not in slope.free_symbols | rest.free_symbols:
            known = {formula.notation[n].symbol: r for n, r in rules.items() if isinstance(r, Integer)}
            return (-rest / slope).subs(known)
    return None


def letters_of(formula: Formula, free: Any) -> set[str]:
    """The letters of free symbols, however they are given."""
    names = free if isinstance(free, Mapping) else [free] if isinstance(free, str) else list(free)
    texts = [part.partition("=")[0].strip() for name in names for part in str(name).split(",")]
    return {formula.notation[t].letter for t in texts if t in formula.notation}
