"""Which tensors a step is about: patterns for their names, which mean the same in a formula and in the real model.

`#3` in a pattern is layer number 3 of a stack: in the real model that very layer, in the formula one of its equal
layers.

>>> where = Where("model.layers.#3.mlp.* model.norm.weight")
>>> where.real
['model.layers.3.mlp.*', 'model.norm.weight']
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from sympy import Add, Expr

from symcount.core.ledger import Convention
from symcount.formulas.formula import Formula

__all__ = ["Where"]

_LAYER = re.compile(r"#(\d+)")
_WHOLE = {
    "unique": "the whole model",
    "per_layer": "the whole model, a tensor at each layer that uses it",
    "trainable": "the whole model, frozen tensors left out",
}


@dataclass(frozen=True)
class Where:
    """Shell-style patterns with spaces between them, of layers of any kind or of one."""

    patterns: str
    kind: str | None = None

    @property
    def real(self) -> list[str]:
        """The patterns for the real model."""
        return [_LAYER.sub(r"\1", pattern) for pattern in self.patterns.split()]

    def held(self, model: Formula, convention: Convention) -> Expr:
        """What the formula has there, as symbols."""
        groups: dict[Expr, list[Expr]] = defaultdict(list)
        for pattern in self.patterns.split():
            for row in model.ledger.select(_LAYER.sub("[*]", pattern), self.kind):  # a list's element is a literal star
                times = model.ledger.counted(row, convention)
                groups[times / row.repeat if "#" in pattern else times].append(row.size)
        return Add(*(times * Add(*sizes) for times, sizes in groups.items()))

    def words(self, convention: Convention) -> str:
        """The place in the real model, for a reader."""
        if self.patterns == "*":
            return f"the `{self.kind}` layers of the whole model" if self.kind else _WHOLE[convention]
        names = ", ".join(f"`{pattern}`" for pattern in self.real)
        return f"the `{self.kind}` layers of {names}" if self.kind else names
