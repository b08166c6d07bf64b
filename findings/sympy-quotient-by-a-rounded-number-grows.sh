#!/usr/bin/env bash
# SymPy 1.14.0: x/ceiling(t/p), for positive integers, is taken for at least x, and a maximum is simplified by that.
#
# A number divided by ceiling(t/p), Max(1, t/p), Max(1, floor(t/p)) or Max(t, p) is at most that number. SymPy's sign of
# 1/ceiling(t/p) - 1 is "nonnegative" (it puts the least values 1 and 1 for t and p, though the expression falls with
# t), so that `1/ceiling(t/p) >= 1` is True, `Max(x, x/ceiling(t/p))` is `x/ceiling(t/p)`, and `Min(1, 1/ceiling(t/p))` is 1.
# Where t and p are not declared to be integers, nothing of this happens to Max(1, t/p). So a closed form of the size of a
# pooled table, max(q, q/ceil(s/r)), has another value than the code that it was read from.
#
# Seen: Max(x, x/ceiling(t/p)) at x = 12, t = 3, p = 1 is 4 for 12.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q sympy==1.14.0
"$work/venv/bin/python" - <<'PYTHON'
from sympy import Max, Min, ceiling, floor, symbols

x, t, p = symbols("x t p", positive=True, integer=True)
at = {x: 12, t: 3, p: 1}
for divisor in (ceiling(t / p), Max(1, t / p), Max(1, floor(t / p)), Max(t, p)):
    larger, smaller, relation = Max(x, x / divisor), Min(1, 1 / divisor), 1 / divisor >= 1
    print(f"Max(x, x/{divisor}) = {larger}: {larger.subs(at)} for {max(12, (x / divisor).subs(at))}; 1/{divisor} >= 1: {relation}")
    assert larger == x / divisor
    assert larger.subs(at) == 4
    assert smaller == 1
    assert relation == True  # noqa: E712

x, t, p = symbols("x t p", positive=True)
assert Max(x, x / Max(1, t / p)).subs({x: 12, t: 3, p: 1}) == 12
PYTHON
