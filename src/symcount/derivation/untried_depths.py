"""Untried depths: numbers of layers that no run has and that the code may treat differently; there a formula is tried.

`if config.num_layers >= 24` is seen in a trace, `i % 8 == 0` in the code. Where the formula is wrong at such a number,
the trace that shows it is one more from which the multiplicities are inferred.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from symcount.concolic.config.config_source import ConfigSource
from symcount.concolic.config.symbolic import Number, config_classes
from symcount.concolic.python.constants import LARGEST, layers_to_see
from symcount.concolic.python.texts import names_beyond
from symcount.concolic.traces import Trace
from symcount.concolic.values import expression as ex
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import holds
from symcount.derivation.evidence import Consider, Hypotheses
from symcount.derivation.runs import possible

__all__ = ["beyond", "other_sides", "untried"]

MANY = 53  # layers of a user's own model, which nobody has tried; a prime number, at which no period ends


def untried(h: Hypotheses) -> Consider | Hypotheses:
    """The hypotheses, if they are right at untried depths too; else the verdict to explain the run that refutes them.

    Where a comparison of a field with a number tells the models apart, it becomes a condition of the formula instead.
    """
    e = h.evidence
    depths = [n for n in e.depths or _numbers(h) if n in e.structural and e.base[n]]
    start = _smallest(h) if depths else {}
    for structure, condition in _untried(h, depths) if depths else ():
        if condition is not None and condition in h.evidence.guards:
            continue
        one = possible(e, [{**start, **structure}])
        if one is None:
            continue
        e.journal.reached.update(structure.items())
        if h.counts(one) or not all(holds(c, one.symbols) for c in h.assumed):
            continue
        if condition is None or not all(holds(condition, t.symbols) for t in e.traces):
            others = (t for t in e.traces if t is not e.default)
            return Consider((e.default, *others, one))
        h = _guarded(h, condition)
    if not e.depths and names_beyond({m.cls for m in e.default.modules}, LARGEST + 1):
        for name in depths:
            h = _guarded(h, Condition("<=", ex.symbol(name), ex.const(LARGEST), ""))
    return h


def _guarded(h: Hypotheses, condition: Condition) -> Hypotheses:
    return replace(h, evidence=replace(h.evidence, guards=(*h.evidence.guards, condition)))


def _numbers(h: Hypotheses) -> list[str]:
    """Fields that are a number of layers though no loop ends at them: `while len(layers) < n`, `if i >= n: break`."""
    return [str(times.args[0]) for times in dict.fromkeys(h.times.values()) if times.op == "sym"]


def _smallest(h: Hypotheses) -> Mapping[str, Number]:
    """The numbers of the smallest model that was observed, of those that the formula speaks of."""
    spoken = [t for t in h.evidence.traces if all(holds(c, t.symbols) for c in h.assumed)]
    return min(spoken or h.evidence.traces, key=lambda t: len(t.parameters)).symbols


def _untried(h: Hypotheses, depths: list[str]) -> Iterator[tuple[dict[str, Number], Condition | None]]:
    """Numbers of layers that are to be tried, with the comparison that is the reason, where one was seen."""
    e = h.evidence
    seen = {n: {int(t.symbols[n]) for t in e.traces} | {v for m, v in e.journal.reached if m == n} for n in depths}
    most = {n: h.most.get(n, LARGEST) for n in depths}
    for condition, name, number in other_sides(e.asked, e.base):
        if name in seen and number not in seen[name] and number <= most[name]:
            yield {name: number}, condition
    library = e.plan.cls.__module__.startswith("transformers.")  # whose loops show everything that is asked
    far, named = (0, []) if library else beyond(e.plan.cls, e.plan.source, e.default)
    for name, number in product(depths, named):
        if number not in seen[name] and number <= most[name]:
            yield {name: number}, None
    farther = {n: min(far, most[n]) for n in depths if min(far, most[n]) > max(seen[n])}
    if farther:
        yield dict(farther), None
    if len(farther) > 1 and not farther.items() <= e.journal.reached:  # there is no such model
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
