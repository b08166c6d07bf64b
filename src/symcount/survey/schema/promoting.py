"""Keys without influence by default that have one beside other values: they become switches themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from symcount.atlas.codes import MISSING
from symcount.concolic.traces import Trace
from symcount.concolic.values.expression import const, evaluate, free_symbols, symbol
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import holds
from symcount.config.kind_lists import MARK
from symcount.derivation.formula import DerivedFormula
from symcount.survey.schema.probe import changed, real_total, signature
from symcount.survey.schema.work import Work, free_values, key_of, switches, values_of

__all__ = ["beside_numbers", "beside_switches", "beyond", "pinned", "promoted", "single"]

_FEW: Final = 16  # what a number may be that is pinned, and has other formulas for other values
_BRANCHING: Final = ("==", "!=", "<", "<=", ">", ">=")


def promoted(work: Work, path: str, at: dict[str, Any], own: tuple[Any, ...]) -> bool:
    """Whether values of a free key have an influence beside *at*; each of them gets the label of its tensors there."""
    known: dict[Any, int] = {own: 0}
    accept = work.accept[path]
    for value in values_of(work, path):
        if accept.get(key_of(value)) != 0:
            continue
        both = work.probe.trace({**at, path: value})
        if (
            both is None
            and real_total(work.probe.cls, work.probe.config_class, changed(work.probe.raw, {**at, path: value}))
            is None
        ):
            continue
        found = signature(both) if both is not None else (key_of(value),)  # there is a model, but no trace of it
        if found not in known:
            work.labels += 1
            known[found] = work.labels
            work.samples[path][work.labels] = value
        accept[key_of(value)] = known[found]
    if len(known) > 1:
        work.activation.discard(path)
        work.fillers.pop(path, None)
    return len(known) > 1


def beside_switches(work: Work, base: Trace) -> None:
    """A key without influence by default may have one beside another value of a switch; then it is one itself."""
    for _ in range(4):
        more = False
        for switch in switches(work):
            for label, value in list(work.samples[switch].items()):
                if not label:
                    continue
                if not work.exploring:  # what else matters beside it is not known
                    work.accept[switch] = {k: n for k, n in work.accept[switch].items() if n != label}
                    continue
                there = work.probe.trace({switch: value})
                if there is None:
                    continue
                for path in _influential(work, {switch: value}, signature(there)):
                    more |= promoted(work, path, {switch: value}, signature(there))
        if not more:
            break
    own = signature(base)
    joint: dict[str, Any] = {}
    for path, other in free_values(work).items():
        one = work.probe.trace({**joint, path: other})
        if one is not None and signature(one) == own:
            joint[path] = other
        elif one is not None:  # it has an influence beside others
            default = work.probe.default(path) if work.probe.declared(path) is not None else MISSING
            kept = (key_of(default), "absent")
            work.accept[path] = {k: n for k, n in work.accept[path].items() if n or k in kept}
            work.activation.discard(path)


def _influential(work: Work, at: dict[str, Any], own: tuple[Any, ...]) -> list[str]:
    """The free keys that have an influence beside *at*, or with which no model can be built there.

    All of them are changed together, each to its first value, then each to its second; halves show which it was.
    """
    values = {
        path: [
            v for v in values_of(work, path)
            if work.accept[path].get(key_of(v)) == 0 and work.probe.trace({path: v}) is not None
        ]
        for path in free_values(work)
        if path not in at and path not in work.activation
    }  # fmt: skip
    found: dict[str, None] = {}
    for i in range(max(map(len, values.values()), default=0)):
        pending = [[(path, several[i]) for path, several in values.items() if i < len(several) and path not in found]]
        while pending:
            chosen = pending.pop()
            together = work.probe.trace({**dict(chosen), **at})
            if not chosen or (together is not None and signature(together) == own):
                continue
            if len(chosen) == 1:
                found[chosen[0][0]] = None
            else:
                half = len(chosen) // 2
                pending += [chosen[:half], chosen[half:]]
    return list(found)


def beyond(
    work: Work, condition: Condition, formula: DerivedFormula, *, pinned: bool = False
) -> Iterator[dict[str, Any]]:
    """Changes of one number after which *condition* does not hold any more.

    Args:
        work: what is known of the layout.
        condition: to be broken.
        formula: which has it.
        pinned: whether it says that a number is as usual, which may decide the structure.
    """
    names = condition.symbols
    if condition.relation not in _BRANCHING or not names <= formula.base.keys():
        return
    for name in sorted(names):
        value = formula.base[name]
        if not isinstance(value, int) or work.probe.left_out(name):
            continue
        if name in formula.structural and not pinned:
            continue
        if pinned:
            others = (value // 2, value * 2, value // 4, 1, value - 1, value + 1)
            yield from ({name: other} for other in dict.fromkeys(others) if 0 < other != value)
            continue
        limits = [
            int(evaluate(side, formula.base)) for side in (condition.left, condition.right)
            if name not in free_symbols(side)
        ]  # fmt: skip
        tries = (*limits, *(n + 1 for n in limits), value * 2, value // 2, *(2 * n for n in limits))
        for other in dict.fromkeys(tries):
            if other > 0 and not holds(condition, {**formula.base, name: other}):
                stem, bracket, rest = name.partition("[")
                if not bracket:
                    yield {name: other}
                    continue
                index = int(rest.partition("]")[0])
                elements = work.probe.default(stem)
                if isinstance(elements, list) and index < len(elements) and rest.endswith("]") and "[" not in rest:
                    now = [formula.base.get(f"{stem}[{i}]", x) for i, x in enumerate(elements)]
                    yield {stem: [other if i == index else x for i, x in enumerate(now)]}


def single(formula: DerivedFormula) -> Iterator[Condition]:
    """That a number which keeps its value is none, or one: where there are more the model is another one."""
    for name, value in formula.pinned.items():
        if type(value) is int and value in (0, 1) and "[" not in name and MARK not in name:
            yield Condition("==", symbol(name), const(value), "")


def pinned(formula: DerivedFormula) -> Iterator[Condition]:
    """That a number which keeps its value has it, where that is neither none nor one: how many stages there are."""
    for name, value in formula.pinned.items():
        if type(value) is int and 1 < value <= _FEW and "[" not in name and MARK not in name:
            yield Condition("==", symbol(name), const(value), "")


def beside_numbers(work: Work, base: Trace, formula: DerivedFormula) -> None:
    """A key without influence by default may have one where the model takes another branch at other numbers."""
    own = signature(base)
    for c in (*formula.asked, *single(formula)):
        for moved in beyond(work, c, formula):
            there = work.probe.trace(moved)
            if there is None or signature(there) == own or not work.exploring:
                continue
            free = free_values(work)
            together = work.probe.trace({**moved, **free})
            if together is None or signature(together) != signature(there):
                for path in free:
                    if path not in work.activation:
                        promoted(work, path, moved, signature(there))
            break
