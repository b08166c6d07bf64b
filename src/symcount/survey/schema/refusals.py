"""What a config class refuses although a layout would count it: the layout refuses it as well then.

Most of what a class insists on is seen in its code, which compares numbers: that is a condition of a formula. Some of
it cannot be followed there: that a key may not be set at all, that a sub-config must say its model type, that options
do not go together, that a number is a power of two. So the class is given such configs. None of them is built into a
model, but for the fewest layers of a kind; all of it takes less time than one trace.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from sympy import Symbol

from symcount.atlas.codec import encode
from symcount.atlas.codes import MISSING, code
from symcount.atlas.record import Check, Layout, Number
from symcount.atlas.schema import Reader
from symcount.atlas.variant import Variant
from symcount.concolic.traces import Trace
from symcount.concolic.values.expression import Node, to_sympy
from symcount.concolic.values.path import Condition
from symcount.concolic.values.predicates import holds
from symcount.config.kind_lists import MARK, KindList
from symcount.core.paths import value_at
from symcount.errors import SymcountError
from symcount.survey.schema.check import count
from symcount.survey.schema.config_class import unsettable
from symcount.survey.schema.probe import Probe, changed, real_total
from symcount.survey.schema.samples import changes_of, samples_of
from symcount.survey.schema.work import key_of

__all__ = ["refusing"]

_ANYTHING: Final[tuple[Any, ...]] = (None, True, 8, "x", [1], {})  # if none of these may be set, nothing may
_NOWHERE: Final = "a_key_of_no_class"
_PAIRS: Final = 6  # options that do not go together with others
_LAYERS: Final = 3  # of a kind, where another one has the fewest
_POWERS: Final = 21  # of two among the numbers that are tried
_NEAR: Final = 16  # numbers that are tried from one on, and from the default on


def refusing(layout: Layout, probe: Probe, activations: frozenset[str]) -> Layout:
    """*layout* without what its config class refuses."""
    if probe.try_config({}) is None:
        return layout
    found = layout.changed(
        sections=_sections(layout, probe), checks={**layout.checks, **dict(_required(layout, probe))}
    )
    found = found.changed(numbers={**found.numbers, **dict(_fewest(found, probe))})
    return _together(_divided(_numbers(found, probe, activations), probe, activations), probe)


def _sections(layout: Layout, probe: Probe) -> dict[str, Any]:
    """The sections with the keys that may not be set, and those that must say their model type."""
    found = dict(layout.sections)
    for path, part in probe.parts.items():
        prefix, section = f"{path}." if path else "", found.get(path)
        if section is None or section.optional == "absent" or probe.try_config({prefix + _NOWHERE: 8}) is None:
            continue
        names = unsettable(part.cls) - part.types.keys() - section.aliases.keys()
        closed = [n for n in sorted(names) if all(probe.try_config({prefix + n: v}) is None for v in _ANYTHING)]
        found[path] = section.changed(closed=closed, refused=[n for n in section.refused if n not in closed])
        if "" in layout.types.get(path, ()) and isinstance(value_at(probe.raw, path), dict):
            silent = changed(probe.raw, {f"{path}.model_type": MISSING})
            found[path] = found[path].changed(stated=_refused(probe, silent))
    return found


def _refused(probe: Probe, raw: dict[str, Any]) -> bool:
    try:
        probe.config(raw)
    except Exception:  # noqa: BLE001  # a config class raises whatever its validation raises
        return True
    return False


def _required(layout: Layout, probe: Probe) -> Iterator[tuple[str, Check]]:
    """The checks of plain values that the base config gives, of which nothing is asked but that they are there."""
    for path in sorted(probe.required):
        value = probe.default(path)
        if path in layout.numbers or path in layout.checks or not isinstance(value, str | int | float):
            continue
        if real_total(probe.cls, probe.config_class, changed(probe.raw, {path: MISSING})) is None:
            yield path, Check(None, None, {"#" if code(value) == "#" else key_of(value): 0})


def _fewest(layout: Layout, probe: Probe) -> Iterator[tuple[str, Number]]:
    """The numbers of layers of a kind of which there must be several: one has no model."""
    for path, check in layout.checks.items():
        kinds = sorted(set(check.arranged.get("kinds", {}).values()))
        depth, form = check.arranged.get("depth", "").rpartition(".")[2], check.arranged.get("form", "")

        def built(numbers: Mapping[str, int], path: str = path, depth: str = depth, form: str = form) -> bool:
            return probe.trace({path: KindList(numbers, depth, form)}) is not None

        for kind in kinds if kinds and built(dict.fromkeys(kinds, _LAYERS)) else ():
            number = layout.numbers.get(f"{path}{MARK}{kind}")
            least = number.minimum or 0 if number is not None else _LAYERS
            while least < _LAYERS and not built({**dict.fromkeys(kinds, _LAYERS), kind: least}):
                least += 1
            if number is not None and least > (number.minimum or 0):
                yield f"{path}{MARK}{kind}", number.changed(minimum=least)


# ------------------------------------------------------------------ numbers


def _numbers(layout: Layout, probe: Probe, activations: frozenset[str]) -> Layout:
    """*layout* with a condition on each number of which the class refuses some that are counted."""
    reader, variants = Reader(layout, activations), [Variant(layout, f) for f in layout.formulas]

    def counted(path: str, value: int) -> bool:
        try:
            count(variants, reader.read(changed(probe.raw, {path: value})))
        except SymcountError:
            return False
        return True

    numbers, asked = dict(layout.numbers), []
    for path, default in _integers(layout, probe):
        wrong = [n for n in (default + 1, 2 * default, 3 * default) if probe.try_config({path: n}) is None]
        if not any(counted(path, n) for n in wrong):
            continue
        tried = {*range(1, _NEAR), *range(default, default + _NEAR), *(2**i for i in range(_POWERS)), 3 * default}
        taken = {n: probe.try_config({path: n}) is not None for n in sorted(tried) if counted(path, n)}
        name = numbers[path].name if path in numbers else path.replace(".", "__")
        condition = _condition(name, default, taken)
        if condition is not None:
            numbers.setdefault(path, Number(name, default, default, minimum=1))
            asked.append(condition)
    return layout.changed(numbers=numbers, formulas=[f.changed(asked=[*f.asked, *asked]) for f in layout.formulas]
    ) if asked else layout  # fmt: skip


def _integers(layout: Layout, probe: Probe) -> Iterator[tuple[str, int]]:
    """The plain integers of the config that are no labels of switches, with their defaults."""
    for section, part in probe.parts.items():
        for key, kinds in part.types.items():
            path = f"{section}.{key}" if section else key
            value = probe.default(path)
            known = path in layout.checks or probe.ignored(path) or section not in layout.sections
            if not known and "i" in kinds and type(value) is int and value > 1:
                yield path, value


def _condition(name: str, default: int, taken: Mapping[int, bool]) -> list[str] | None:
    """The condition that says of each number whether it is taken; `None` if none of those that are usual does.

    >>> _condition("N", 8, {1: True, 2: True, 3: False, 4: True, 6: False, 8: True})
    ['divides', 'N', '_power(2, 60)']
    >>> _condition("N", 8, {1: False, 2: True, 3: False, 4: True, 6: True, 8: True})
    ['divides', '2', 'N']
    """
    if all(fits == (n & (n - 1) == 0) for n, fits in taken.items()):
        return ["divides", name, "_power(2, 60)"]
    for divisor in range(2, default + 1):
        if default % divisor == 0 and all(fits == (n % divisor == 0) for n, fits in taken.items()):
            return ["divides", str(divisor), name]
    fitting = [n for n, fits in taken.items() if fits]
    for relation, limit in ((">=", min(fitting, default=0)), ("<=", max(fitting, default=0))):
        if all(fits == (n >= limit if relation == ">=" else n <= limit) for n, fits in taken.items()):
            return [relation, name, str(limit)]
    return None


def _divided(layout: Layout, probe: Probe, activations: frozenset[str]) -> Layout:
    """*layout* with the divisions without remainder that torch's own modules insist on, where it would count others."""
    reader, variants = Reader(layout, activations), [Variant(layout, f) for f in layout.formulas]
    needed = [c for c in _of_torch(probe.trace({}), layout) if _counts_beyond(c, layout, probe, reader, variants)]
    formulas = list(layout.formulas)
    for key, numbers in layout.states.items() if needed else ():
        at = changes_of(layout, key)
        own = [] if at is None else _of_torch(probe.trace(at), layout)
        said = [[c.relation, *(_text(side, layout) for side in (c.left, c.right))] for c in needed if c in own]
        for number in numbers:
            asked = {tuple(c): None for c in (*formulas[number].asked, *said)}
            formulas[number] = formulas[number].changed(asked=[list(c) for c in asked])
    return layout.changed(formulas=formulas)


def _of_torch(one: Trace | None, layout: Layout) -> list[Condition]:
    """The divisions without remainder that torch's modules insisted on, of numbers that a layout has."""
    found = one.conditions if one is not None else ()
    return [
        c for c in dict.fromkeys(found)
        if c.module.startswith("torch.nn.modules") and c.relation == "divides" and c.symbols <= layout.numbers.keys()
    ]  # fmt: skip


def _counts_beyond(condition: Condition, layout: Layout, probe: Probe, reader: Reader, variants: list[Variant]) -> bool:
    """Whether a layout counts a config at which a condition does not hold, and transformers builds no model."""
    values = {p: n.given for p, n in layout.numbers.items() if p in condition.symbols}
    for path, value in values.items() if all(type(v) is int for v in values.values()) else ():
        for other in (2 * value, value + 1, value // 2):
            if other and not holds(condition, {**values, path: other}):
                raw = changed(probe.raw, {path: other})
                with suppress(SymcountError):
                    count(variants, reader.read(raw))
                    return real_total(probe.cls, probe.config_class, raw) is None
    return False


def _text(node: Node, layout: Layout) -> str:
    """One side of a condition in the layout's names."""
    return encode(to_sympy(node, {p: Symbol(n.name, integer=True) for p, n in layout.numbers.items()}))


# ------------------------------------------------------------------ options


def _together(layout: Layout, probe: Probe) -> Layout:
    """*layout* with switches for the options that do not go together, and without their states."""
    options = {path: value for path, value in _options(layout) if probe.try_config({path: value}) is not None}
    beside: list[dict[str, Any]] = [{}]
    for path in layout.switches:
        beside += [{path: v} for n, v in samples_of(layout.checks[path]) if n and not isinstance(v, list | dict)]
    found: list[dict[str, Any]] = []
    for one in beside:
        while probe.try_config(one) is not None and probe.try_config({**options, **one}) is None:
            if len(found) == _PAIRS:
                return layout
            few = _few(probe, {**options, **one})
            found.append(few)
            if not (last := [path for path in few if path not in one]):
                return layout
            options.pop(last[-1])
    return _parted(layout, found) if found else layout


def _options(layout: Layout) -> Iterator[tuple[str, Any]]:
    """A value beside the default of each key whose values all have the same tensors."""
    for path, check in layout.checks.items():
        values = [v for _, v in samples_of(check) if v is None or isinstance(v, bool | str)]
        others = [v for v in values if v != check.given and key_of(v) in check.accept]
        if path not in layout.switches and "[" not in path and others and type(check.given) in (bool, str, type(None)):
            yield path, others[0]


def _few(probe: Probe, options: dict[str, Any]) -> dict[str, Any]:
    """As few of the *options* as are refused together."""
    for path in list(options):
        fewer = {p: v for p, v in options.items() if p != path}
        if probe.try_config(fewer) is None:
            options = fewer
    return options


def _parted(layout: Layout, found: list[dict[str, Any]]) -> Layout:
    """*layout* in which the keys of the options *found* are switches, so that their combinations are no states."""
    checks, labels = dict(layout.checks), dict[str, int]()
    for path, value in {p: v for few in found for p, v in few.items() if p not in layout.switches}.items():
        labels[path] = 1 + max(checks[path].accept.values())
        checks[path] = checks[path].changed(accept={**checks[path].accept, key_of(value): labels[path]})
    switches, states = [*layout.switches, *labels], dict[str, list[int]]()
    forbidden = [{p: checks[p].accept[key_of(v)] for p, v in few.items()} for few in found]
    for key, numbers in layout.states.items():
        before = [int(label) for label in key.split(",")] if layout.switches else []
        for more in itertools.product(*((0, label) for label in labels.values())):
            at = dict(zip(switches, [*before, *more], strict=True))
            if not any(all(at[p] == label for p, label in few.items()) for few in forbidden):
                states[",".join(str(at[p]) for p in switches)] = numbers
    return layout.changed(checks=checks, switches=switches, states=states)
