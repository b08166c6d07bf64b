"""Pictures of an answer, at the width of a paper's column: the iso-budget curve, and what the parameters go to.

Floats are for the eye here, and nowhere else in this package. Needs matplotlib: `pip install "symcount[plot]"`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from symcount.core.notation import Entry
from symcount.errors import BudgetError, ConfigError, DependencyError
from symcount.exact.evaluate import compile_scalar
from symcount.solver.solution import Solution
from symcount.solver.solutions import Solutions
from symcount.typeset.colours import colours
from symcount.typeset.figure import FORMATS, STYLE, save

__all__ = ["plot_solutions"]

_WIDTH, _HEIGHT = 3.4, 4.8  # inches; a column of a two-column paper
_LINES = 41  # points of the curve's grid in each direction
_PARTS = 5  # parts of a model that get a colour of their own


def plot_solutions(found: Solutions, file: str | Path) -> None:
    """Draw the iso-budget curve with the solutions on it, and each part's share of the model as one size varies.

    The two axes of the curve are H and N where both are free, otherwise the first two free symbols; with one free
    symbol its count is drawn against it. A third free symbol gives two curves, for its smallest and largest value.

    Args:
        found: what `symcount.solve` returned; the solutions that it gives in full are drawn.
        file: where to; `.pdf`, `.svg` or `.png`.

    Raises:
        DependencyError: matplotlib is not installed.
        ConfigError: another format, or the file cannot be written.
        BudgetError: there is nothing to draw.
    """
    target = Path(file)
    if target.suffix.lower() not in FORMATS:
        raise ConfigError(f"{target}: expected a name that ends in {', '.join(FORMATS)}")
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise DependencyError(
            'a picture needs matplotlib, which is not installed: pip install "symcount[plot]"'
        ) from None
    points = found.best or tuple(s for n in found.neighbours for s in (n.below, n.above) if s is not None)
    if not points:
        raise BudgetError("there is no solution to draw, and none near")
    with rc_context({**STYLE, "font.size": 8, "axes.linewidth": 0.6}):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        curve, shares = figure.subplots(2, 1)
        (_curve if len(found.ranges) > 1 else _count)(curve, found, points)
        _shares(shares, found, points[0])
        save(figure, target, dpi=300)


def _axes(found: Solutions) -> tuple[str, str]:
    """The letters of the horizontal and the vertical axis."""
    letters = list(found.ranges)
    if {"H", "N"} <= set(letters):
        return "N", "H"
    return letters[1], letters[0]


def _label(entry: Entry) -> str:
    return entry.meaning if entry.letter == entry.meaning else f"{entry.meaning} ${entry.latex}$"


def _curve(axes: Any, found: Solutions, points: Sequence[Solution]) -> None:
    across, up = _axes(found)
    notation = found.space.formula.notation
    xs, ys = ([s.values[n] for s in points] for n in (across, up))
    horizontal, vertical = _places(found, across, xs), _places(found, up, ys)
    others = [n for n in found.ranges if n not in (across, up)]
    ranges = {n: found.ranges[n] for n in others}
    ends = [{n: r.number(r.start) for n, r in ranges.items()}, {n: r.number(r.stop or 1) for n, r in ranges.items()}]
    budget, total = found.budgets[0], _total(found)
    for at, style in zip(ends if others else ends[:1], ("-", "--"), strict=False):
        levels = [[total({across: x, up: y, **at}) for x in horizontal] for y in vertical]
        if min(map(min, levels)) < budget.target < max(map(max, levels)):
            look = {"colors": "0.5", "linewidths": 0.9, "linestyles": style}
            axes.contour(_floats(horizontal), _floats(vertical), levels, [budget.target], **look)
            said = ", ".join(f"{n} = {_written(v)}" for n, v in at.items())
            label = f"{budget.target:,}" + (f", {said}" if said else "")
            axes.plot([], [], color="0.5", linewidth=0.9, linestyle=style, label=label)
    axes.scatter(_floats(xs), _floats(ys), s=9, color="C0", zorder=3, label=_kind(found))
    for values, scale in ((horizontal, axes.set_xscale), (vertical, axes.set_yscale)):
        if values[-1] > 30 * values[0]:
            scale("log")
    axes.set_xlabel(_label(notation[across]))
    axes.set_ylabel(_label(notation[up]))
    _legend(axes)


def _window(values: Sequence[int]) -> list[int]:
    """Whole numbers from a little below to a little above *values*, evenly spaced in proportion."""
    low, high = max(1, int(min(values) * 0.8)), int(max(values) * 1.25) + 1
    return sorted({round(low * (high / low) ** (i / (_LINES - 1))) for i in range(_LINES)})


def _places(found: Solutions, letter: str, values: Sequence[Any]) -> list[Any]:
    """Where a curve is drawn: numbers around *values*; of a ratio those that it may have."""
    r = found.ranges[letter]
    if not r.parts:
        return _window(values)
    places = list(r.members) or list(range(r.start, (r.stop or r.start) + 1, r.step))
    return [r.number(place) for place in places[:: max(1, len(places) // _LINES)]]


def _floats(numbers: Sequence[Any]) -> list[float]:
    return [float(number) for number in numbers]


def _written(number: Any) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{float(number):g}"


def _total(found: Solutions) -> Callable[[Mapping[str, Any]], float]:
    """The count as a function of the free symbols."""
    rules = found.space.rules
    total = compile_scalar(rules.apply(found.space.formula.total_as(found.budgets[0].convention)))
    return lambda point: float(total({**rules.fixed, **point}))


def _count(axes: Any, found: Solutions, points: Sequence[Solution]) -> None:
    [letter] = found.ranges
    xs = [s.values[letter] for s in points]
    target, total = found.budgets[0].target, _total(found)
    unit, word = next((u for u in ((10**9, " (billions)"), (10**6, " (millions)")) if target >= u[0]), (1, ""))
    around = _places(found, letter, xs)
    axes.plot(_floats(around), [total({letter: x}) / unit for x in around], color="0.5", linewidth=0.9)
    axes.axhline(target / unit, color="0.7", linewidth=0.6, linestyle="--", label=f"{target:,}")
    axes.scatter(_floats(xs), [s.count / unit for s in points], s=9, color="C0", zorder=3, label=_kind(found))
    axes.set_xlabel(_label(found.space.formula.notation[letter]))
    axes.set_ylabel(f"parameters{word}")
    _legend(axes)


def _shares(axes: Any, found: Solutions, best: Solution) -> None:
    """Stacked shares of the model's parts while one size varies and everything else is as in *best*."""
    formula, rules, convention = found.space.formula, found.space.rules, found.budgets[0].convention
    letter = "H" if "H" in found.ranges else next(iter(found.ranges))
    parts = formula.breakdown(1, convention=convention)
    if len(parts) < 3:
        parts = formula.breakdown(2, convention=convention)
    places = _places(found, letter, [best.values[letter] // 3 + 1, 3 * best.values[letter]])
    rows: dict[str, list[float]] = {}
    for part in parts:
        value = compile_scalar(rules.apply(part.expression))
        rest = {n: best.values[n] for n in found.ranges}
        rows[part.label or part.kind] = [float(value({**rules.fixed, **rest, letter: x})) for x in places]
    totals = [sum(column) for column in zip(*rows.values(), strict=True)]
    shares = {name: [100 * v / t for v, t in zip(row, totals, strict=True)] for name, row in rows.items()}
    large = sorted(shares, key=lambda name: -sum(shares[name]))
    shown = {name: shares[name] for name in large[:_PARTS]}
    if small := large[_PARTS:]:
        shown["other"] = [sum(column) for column in zip(*(shares[name] for name in small), strict=True)]
    axes.stackplot(_floats(places), list(shown.values()), labels=list(shown), colors=colours(shown))
    axes.axvline(float(best.values[letter]), color="black", linewidth=0.6, linestyle=":")
    axes.set_xlim(*_floats([places[0], places[-1]]))
    axes.set_ylim(0, 100)
    others = ", ".join(f"{n} = {_written(best.values[n])}" for n in found.ranges if n != letter)
    axes.set_xlabel(_label(formula.notation[letter]) + (f" with {others}" if others else ""))
    axes.set_ylabel("share of the parameters (%)")
    _legend(axes)


def _kind(found: Solutions) -> str:
    return "solutions" if found.number else "nearest"


def _legend(axes: Any) -> None:
    """Above the axes, where it hides nothing."""
    axes.legend(fontsize=6, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.3)
