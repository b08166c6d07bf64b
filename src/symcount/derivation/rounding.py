"""Where the code rounds a quotient that is exact by default: the hypotheses with floors instead of quotients.

`width // 2` is `W/2` in a formula, which is read, differentiated and inverted as such, and holds where 2 divides W. The
model is built elsewhere as well, and has `floor(W/2)` there.
"""

from __future__ import annotations

from dataclasses import replace

from symcount.derivation.evidence import Hypotheses
from symcount.derivation.structure import divisions_in, shape_nodes

__all__ = ["rounding"]


def rounding(h: Hypotheses) -> Hypotheses | None:
    """The same with floors for the quotients in sizes; `None` if there are none.

    That a quotient is exact is no condition then, but where the code checks it: what it does elsewhere, a model tells.
    The quotient in a number of layers stays one.
    """
    sizes = {(c.left, c.right) for c in divisions_in(shape_nodes(h.evidence.traces))}
    sizes -= {(c.left, c.right) for c in divisions_in(h.times.values())}
    turned = [c for c in h.conditions if c.relation == "divides" and (c.left, c.right) in sizes]
    if not turned:
        return None
    kept = tuple(c for c in h.conditions if c not in turned)
    pairs = frozenset((c.left, c.right) for c in turned)
    return replace(h, conditions=kept, rounded=h.rounded | pairs, checked=tuple(c for c in turned if not c.exact))
