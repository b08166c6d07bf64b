"""Numbers of layers that no trace has, although the code may treat them in another way: there the formula is tried.

`if config.num_layers >= 24` is seen in a trace, `i % 8 == 0` in the code. Where the formula is wrong at such a number,
the trace that shows it is one more from which the multiplicities are inferred.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from symcount.derive import expression as ex
from symcount.derive.choosing import LOW, counted_to, simple
from symcount.derive.configs import ConfigSource, Number, config_classes
from symcount.derive.constants import LARGEST, layers_to_see
from symcount.derive.derivation import Derivation
from symcount.derive.exploring import possible
from symcount.derive.expression import free_symbols
from symcount.derive.points import holds
from symcount.derive.recording import Condition
from symcount.derive.templates import collect
from symcount.derive.trace import Trace

__all__ = ["beyond", "other_sides", "to_be_explained"]

MANY = 53  # layers of a user's own model, which nobody has tried; a prime number, at which no period ends


def to_be_explained(d: Derivation) -> bool:
    """Whether there is a trace at which the formula is wrong; the next round has it beside the others."""
    other = _unexplained(d)
    if other is None:
        return False
    assert d.default is not None  # noqa: S101  # set by the engine
    d.kept = [d.default, *(t for t in d.traces if t is not d.default), other]
    return True


def _unexplained(d: Derivation) -> Trace | None:
    """A trace with more layers than all others, at which the formula is wrong; `None` if there is none.

    Where a comparison of a field with a number tells the models apart, it becomes a condition of the formula instead.
    """
    depths = [n for n in d.depths() if n in d.structural and d.base[n]]
    if not depths:
        return None
    start = _smallest(d)
    for structure, condition in _untried(d, depths):
        if condition is not None and condition in d.guards:
            continue
        one = possible(d, [{**start, **structure}])
        if one is None:
            continue
        d.reached.update(structure.items())
        if _counted(d, one) or not all(holds(c, one.symbols) for c in d.assumed):
            continue
        if condition is None or not all(holds(condition, t.symbols) for t in d.traces):
            return one
        d.guards.append(condition)
    _not_below(d, depths)
    return None


def _smallest(d: Derivation) -> Mapping[str, Number]:
    """The numbers of the smallest model that was traced, of those that the formula speaks of."""
    spoken = [t for t in d.traces if all(holds(c, t.symbols) for c in d.assumed)]
    return min(spoken or d.traces, key=lambda t: len(t.parameters)).symbols


def _not_below(d: Derivation, depths: list[str]) -> None:
    """Note the depths below which a pattern does not hold: the first and the last layers may be the same."""
    counted = counted_to(d)
    patterned = set().union(*(free_symbols(t) for t in set(d.times.values()) if not simple(t, counted)))
    start = _smallest(d)
    for name in (n for n in depths if n in patterned):
        seen = {int(t.symbols[name]) for t in d.traces}
        for number in range(min(LOW, *seen) - 1, d.least.get(name, 1) - 1, -1):
            one = possible(d, [{**start, name: number}]) if (name, number) not in d.reached else None
            if one is not None and _within(d, one) and not _counted(d, one):
                d.least[name] = number + 1
                break


def _within(d: Derivation, one: Trace) -> bool:
    """Whether the formula speaks of a trace: no multiplicity is negative there, and no condition broken."""
    values = [ex.value_at(times, one.symbols) for times in set(d.times.values())]
    return all(v is not None and v >= 0 for v in values) and all(holds(c, one.symbols) for c in (*d.guards, *d.assumed))


def _untried(d: Derivation, depths: list[str]) -> Iterator[tuple[dict[str, Number], Condition | None]]:
    """Numbers of layers that are to be tried, with the comparison that is the reason, where one was seen."""
    assert d.default is not None  # noqa: S101  # set by the engine
    seen = {n: {int(t.symbols[n]) for t in d.traces} | {v for m, v in d.reached if m == n} for n in depths}
    most = {n: d.most.get(n, LARGEST) for n in depths}
    for condition, name, number in other_sides(d.asked(), d.base):
        if name in seen and number not in seen[name] and number <= most[name]:
            yield {name: number}, condition
    far, named = beyond(d.cls, d.source, d.default)
    for name, number in product(depths, named):
        if number not in seen[name] and number <= most[name]:
            yield {name: number}, None
    farther = {n: min(far, most[n]) for n in depths if min(far, most[n]) > max(seen[n])}
    if farther:
        yield dict(farther), None
    if len(farther) > 1 and not farther.items() <= d.reached:  # there is no such model
        for name, number in farther.items():
            yield {name: number}, None


def other_sides(conditions: Sequence[Condition], base: Mapping[str, Number]) -> Iterator[tuple[Condition, str, int]]:
    """Fields that are compared with one number, each with the values near that number at which the answer is another.

    What is compared with several has met the index of a layer.
    """
    numbers: dict[tuple[str, bool], dict[int, Condition]] = {}
    for condition in conditions:
        side, constant = condition.left, condition.right
        if side.op == "const":
            side, constant = constant, side
        if side.op == "sym" and constant.op == "const" and isinstance(constant.args[0], int):
            equality = condition.relation in ("==", "!=")
            numbers.setdefault((str(side.args[0]), equality), {})[constant.args[0]] = condition
    for (name, _), known in numbers.items():
        if len(known) > 1 or name not in base:
            continue
        for number, condition in known.items():
            for other in range(number - 1, number + 2):
                if 0 < other <= LARGEST and not holds(condition, {**base, name: other}):
                    yield condition, name, other


def beyond(cls: type, source: ConfigSource, default: Trace) -> tuple[int, list[int]]:
    """A number of layers beyond everything that the code of a model compares an index with, and single such numbers."""
    symbolic = {name.rpartition(".")[2].partition("[")[0] for name in default.symbols}
    found = layers_to_see({*(m.cls for m in default.modules), *config_classes(source)}, symbolic)
    if cls.__module__.startswith("transformers."):
        return max(found.from_which, default=0), []
    return max({MANY, *found.from_which}), sorted(found.named)  # other ways to say it: `len(str(i)) > 1`


def _counted(d: Derivation, one: Trace) -> bool:
    """Whether the formula counts the model of a trace."""
    found = collect([*d.traces, one]).counts
    return found.keys() <= d.times.keys() and all(
        ex.value_at(times, one.symbols) == found[row][-1] for row, times in d.times.items()
    )
