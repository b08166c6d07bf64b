"""The shape of a config: how far it is from what people build, in bits. It ranks solutions where nothing else is said.

    bits = log₂ of the odd parts of the sizes               768 = 3·2⁸ and 12 = 3·2²: 3.2
         + 2·log₂ of how far H/N is outside 40 to 140 (from 100 billion parameters on, 80 to 210)
         + 2·log₂ of how far the proportions of other sizes are from those of the class's default config
         + deviation from the budget in percent, of several from each

A config that has exactly the number that was asked for comes before all others: the number names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Symbol

from symcount.formulas.formula import Formula
from symcount.solver.budget import Budget
from symcount.solver.polynomial import Columns
from symcount.solver.search import Search, totals
from symcount.solver.sizes import main_sizes

__all__ = ["Shape"]

_SLENDER, _STOUT = 40, 140  # H/N of published models of up to ten billion parameters: GPT-3's lie between 43 and 128
_LARGE = 10.0**10  # beyond, up to ten times as many, both double and grow by half: Llama 405B has 130, BLOOM 205
_UNIT = 1 << 20  # scores are whole numbers of these parts of a bit, so that ties are ties on every machine
_MOST = 2.0**40  # bits
Array = Any


class Shape:
    """The score of configs by their shape.

    Args:
        formula: whose configs they are.
        usual: values of the class's default config, by letter.
    """

    def __init__(self, formula: Formula, usual: Mapping[str, Any]) -> None:
        self._notation = formula.notation
        self._usual = usual
        self._width, self._depth = main_sizes(formula)

    def score(self, search: Search, budgets: Sequence[Budget], columns: Columns) -> tuple[Array, int]:
        """The scores of points; smaller is better."""
        import numpy as np

        known = {n: _floats(column) / (search.ranges[n].parts or 1) for n, column in columns.items()}
        deviation: Array = 0.0
        aimed = [b for b in budgets if b.low > 1] or budgets[:1]  # a bound beside a number is met or not, no aim
        for budget in aimed:
            counts = _floats(totals(budget.convention, search, columns))
            deviation = deviation + abs(counts - budget.target) / budget.target
        bits = 100 * deviation
        for name, column in columns.items():
            if search.ranges[name].start != search.ranges[name].stop and not search.ranges[name].parts:
                bits = bits + np.log2(np.maximum(1, _floats(column // np.maximum(1, column & -column))))
        width, depth = (self._column(n, known, search) for n in (self._width, self._depth))
        if width is not None and depth is not None:
            aspect = width / np.maximum(1, depth)
            large = np.log10(min(max(budgets[0].target / _LARGE, 1.0), 10.0))
            low, high = _SLENDER * (1 + large), _STOUT * (1 + large / 2)
            bits = bits + 2 * np.log2(np.maximum(1, np.maximum(low / aspect, aspect / high)))
        for name in columns:
            if name not in (self._width, self._depth) and (usual := self._usual.get(name)):
                bits = bits + self._proportion(name, known, width, float(usual))
        whole = np.rint(np.minimum(bits, _MOST) * _UNIT).astype(np.int64)
        return whole - np.where(deviation == 0, int(_MOST) * _UNIT, 0), 1

    def _proportion(self, name: str, known: Mapping[str, Array], width: Array | None, usual: float) -> Array:
        """Twice the bits between a size and what the default config would have in its place."""
        import numpy as np

        wide = self._usual.get(self._width)
        wanted = usual * width / float(wide) if self._notation[name].scales and width is not None and wide else usual
        least = 2.0**-10 if self._notation[name].rational else 1
        return 2 * abs(np.log2(np.maximum(least, known[name]) / np.maximum(least, wanted)))

    def _column(self, name: str, known: Mapping[str, Array], search: Search) -> Array | None:
        """The values of a size, free or not; `None` where it has none."""
        import numpy as np

        if name in known:
            return np.maximum(1, known[name])
        rules = search.space.rules
        if name in rules.fixed:
            return max(1.0, float(rules.fixed[name]))
        rule = rules.functions.get(name)
        if rule is None or not rule.is_polynomial():
            return None
        total: Array = 0.0
        applied = rules.apply(self._notation[name].symbol)
        for monomial, coefficient in applied.as_coefficients_dict().items():
            term: Array = float(coefficient)
            for factor, power in monomial.as_powers_dict().items():
                if not isinstance(factor, Symbol):
                    term = term * float(factor) ** float(power)
                elif factor.name in known:
                    term = term * known[factor.name] ** float(power)
                else:
                    return None
            total = total + term
        return np.maximum(1, total)


def _floats(column: Array) -> Array:
    import numpy as np

    return np.asarray(column).astype(np.float64)
