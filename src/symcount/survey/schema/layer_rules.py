"""Finding the rule by which a config class computes a number, or a list layer by layer; see `atlas.computed`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from symcount.atlas.codes import MISSING
from symcount.atlas.computed import is_said
from symcount.atlas.record import Check, Layout
from symcount.concolic.config.source import PER_LAYER
from symcount.config.kind_lists import KindList
from symcount.core.paths import path_of, section_of, split, value_at
from symcount.survey.schema.cases import MOST, Sample, cases_of, forms_of, several_named
from symcount.survey.schema.probe import Probe, changed, differs, real_total
from symcount.survey.schema.samples import samples_of

__all__ = ["Rules", "rules_of", "with_rules"]

_DEPTHS: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 24, 31, 40, 65)
_CONFIRMED: Final = (14, 15, 18, 19, 29, 33, 48, 97)
_DEEP: Final = ("layer", "depth", "block", "stage", "n_", "num_")


def rules_of(probe: Probe) -> Rules:
    """What the config class of *probe* computes: a fact of the base model, which its heads share."""
    key = probe.config_class, json.dumps(probe.raw, sort_keys=True)
    if key not in _KNOWN:
        while len(_KNOWN) >= _KEPT:
            del _KNOWN[next(iter(_KNOWN))]
        _KNOWN[key] = Rules(probe)
    return _KNOWN[key]


class Rules:
    """What one config class computes; each config is made once."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._files: dict[str, Any] = {}
        self._rules: dict[str, dict[str, Any] | None] = {}
        self.file = self._file({})

    def _file(self, changes: Mapping[str, Any]) -> Any:
        """What the class saves at *changes*, `None` if it refuses them."""
        key = json.dumps(sorted(changes.items()), default=str)
        if key not in self._files:
            config = self._probe.try_config(changes)
            self._files[key] = None if config is None else json.loads(json.dumps(config.to_dict(), default=str))
        return self._files[key]

    def value(self, path: str, changes: Mapping[str, Any]) -> Any:
        """What the class saves at *path*, `MISSING` if it refuses the changes or saves nothing there."""
        file = self._file(changes)
        return MISSING if file is None else value_at(file, path, MISSING)

    def rule(self, path: str) -> dict[str, Any] | None:
        """The rule of what stands at *path* where a file leaves it out, `None` if none is found.

        With `numbers`, those that it takes beside those of a formula, and `beside`, other keys that must be as usual.
        """
        if path not in self._rules:
            self._rules[path] = self._found(path)
        return self._rules[path]

    def _found(self, path: str) -> dict[str, Any] | None:
        usual = self.value(path, {})
        if type(usual) not in (int, list, dict) or self._probe.default(path) == usual:
            return None
        section = section_of(path)
        prefix = f"{section}." if section else ""
        own = value_at(self.file, section, MISSING)
        sizes = {prefix + k: v for k, v in own.items() if type(v) is int and v >= 0 and not k.endswith("_id")}
        sizes.pop(path, None)
        rule = self._of_number(path, sizes) if type(usual) is int else self._by_layer(path, usual, sizes)
        return None if rule is None else {**rule, "beside": self._beside(path, prefix, own, rule["numbers"])}

    def _of_number(self, path: str, sizes: Mapping[str, int]) -> dict[str, Any] | None:
        """The rule of a number."""
        others = self._influences(path, "", sizes)
        samples = [*self._samples(path, "", others, (0,))]
        for name in [*others][:1]:  # two of them at once
            samples += [
                Sample({**s.numbers, name: m}, value)
                for s in samples[1:] for m in others[name]
                if (value := self.value(path, {**s.numbers, name: m})) is not MISSING
            ]  # fmt: skip
        pairs = itertools.permutations([*others, 1, 2], 2) if 0 < len(others) < MOST else ()
        for kind, (a, b) in itertools.product(("times", "floor", "plus"), pairs):
            rule = {"form": "number", "terms": [kind, a, b]}
            if isinstance(a, str) and {a, b} >= others.keys() and len(samples) > 2 and all(
                is_said(rule, s.value, s.numbers) for s in samples
            ):  # fmt: skip
                return {**rule, "numbers": {name: sizes[name] for name in others}}
        return None

    def _by_layer(self, path: str, usual: Any, sizes: Mapping[str, int]) -> dict[str, Any] | None:
        """The rule of a list or an object."""
        depths = [name for name, n in sizes.items() if any(w in name for w in _DEEP) and self._grows(path, name, n)]
        for depth in sorted(depths, key=lambda name: ("num_hidden_layers" not in name, name)):
            others = self._influences(path, depth, sizes)
            if len(others) > MOST:
                continue
            samples = list(self._samples(path, depth, others, _DEPTHS))
            kinds: tuple[bool | tuple[str, ...], ...] = (True, False, *several_named(others, samples))
            forms = [(*form, named) for form in forms_of(usual) for named in kinds]
            for form, more, named in forms if len(samples) > MOST else ():
                cases = cases_of(form, more, depth, others, samples, named=named)
                if cases is None:
                    continue
                rule = {"form": form, "depth": depth, "cases": cases, **({"more": more} if more else {})}
                confirmed = [*samples, *self._samples(path, depth, others, _CONFIRMED)]
                if all(is_said(rule, s.value, s.numbers) for s in confirmed):
                    prefix = path.removesuffix(path.rpartition(".")[2])
                    keys = [prefix + key for _, x in cases for key in x or ()] if form == "layers" else []
                    return {**rule, "numbers": {n: sizes[n] for n in (depth, *others, *keys) if n in sizes}}
        return None

    def _grows(self, path: str, name: str, n: int) -> bool:
        values = [self.value(path, {name: more}) for more in (n + 12, 2 * n + 24)]
        usual = self.value(path, {})
        return all(v is not MISSING and type(v) is type(usual) for v in values) and values[1] != usual

    def _influences(self, path: str, depth: str, sizes: Mapping[str, int]) -> dict[str, list[int]]:
        """The other numbers that change what is computed, each with values at which it is tried."""
        found: dict[str, list[int]] = {}
        own = self.value(path, {})
        inner = own.values() if isinstance(own, dict) else ()
        leaves = {v for x in inner if isinstance(x, dict) for v in x.values() if type(v) is int}
        for name, n in sizes.items():
            for deep in (
                ({depth: sizes[depth]}, {depth: _CONFIRMED[-1]}) if depth and name != depth else ({},) * (not depth)
            ):
                usual = self.value(path, deep)
                tries = [m for m in (n + 1, 2 * n, n - 1, n + 2, n + 3) if m > 0 and m not in {n, *leaves}]
                values = [m for m in tries if self.value(path, {**deep, name: m}) not in (usual, MISSING)]
                if values and usual is not MISSING:
                    found.setdefault(name, tries)
        return found

    def _samples(
        self, path: str, depth: str, others: Mapping[str, list[int]], depths: tuple[int, ...]
    ) -> Iterator[Sample]:
        usual = {name: value_at(self.file, name, MISSING) for name in others}
        moved: list[dict[str, int]] = [{}, *({name: m} for name, tries in others.items() for m in tries)]
        for n, more in itertools.product(depths, moved):
            at = {**({depth: n} if depth else {}), **more}
            value = self.value(path, at)
            if value is not MISSING and value is not None:
                made = {name: self.value(name, at) for name in usual}  # one may follow another
                yield Sample({**usual, **{k: v for k, v in made.items() if v is not MISSING}, **at}, value)

    def _beside(self, path: str, prefix: str, own: Mapping[str, Any], numbers: Mapping[str, Any]) -> dict[str, Any]:
        """Other keys that change what is computed, with what they are where a file leaves them out."""
        usual, found = self.value(path, {}), {}
        for key, value in own.items():
            name = prefix + key
            if name == path or name in numbers or self._probe.ignored(name) or name in self._probe.instances:
                continue
            default = self._probe.default(name)
            others: list[Any] = [not value] if isinstance(value, bool) else [value[1:], value[1:] + value[:1]] if (
                isinstance(value, list) and len(value) > 1) else [8, 0.5, True] if value is None else []  # fmt: skip
            if any(self.value(path, {name: other}) not in (usual, MISSING) for other in others):
                found[name] = None if default is MISSING else default
        return found


_KEPT: Final = 4
_KNOWN: Final[dict[tuple[Any, str], Rules]] = {}


def with_rules(layout: Layout, probe: Probe) -> Layout:
    """*layout* with the rules of what the config class computes layer by layer, where it is the same said once more."""
    rules, checks, sections = rules_of(probe), dict(layout.checks), dict(layout.sections)
    for path, value in [*_computed(rules.file, probe)]:
        section, key, _ = split(path)
        refused = section in sections and key in sections[section].refused
        own = checks.get(path)
        check = own or (Check(None, None, {"absent": 0, "null": 0}) if refused else None)
        if check is None or path in layout.numbers or section not in sections or (refused and key != PER_LAYER):
            continue
        found: dict[str, Any] = {}
        if value == {} and _as_left_out(rules, probe, path, [{}]):
            found["accept"] = {**check.accept, "{}": 0}
        elif (rule := rules.rule(path)) is not None:
            rule = {**rule, "beside": {**rule["beside"], **_switched(rules, layout, path)}}
            depths = [{rule["depth"]: n} for n in (3, 8, 13)] if "depth" in rule else [
                {}, *({name: 2 * n} for name, n in rule["numbers"].items())]  # fmt: skip
            if _as_left_out(rules, probe, path, depths):
                rule = {**rule, **({"longer": True} if _any_longer(rules, probe, path, rule) else {})}
                kept = {} if check.pattern.keys() & {"period", "list", "of"} else check.pattern
                found.update(rule=rule, pattern=kept)
        elif type(value) is int and _overwritten(layout, probe, path, value):
            found["accept"] = {**check.accept, "#": 0}
        if key == PER_LAYER and not found and isinstance(value, dict) and (keys := _idle(layout, probe, path, value)):
            found["pattern"] = {"layers": keys}
        if found or (refused and own is not None and _as_left_out(rules, probe, path, [{}])):
            checks[path] = check.changed(**found)
            if refused:
                rest = [name for name in sections[section].refused if name != key]
                sections[section] = sections[section].changed(refused=rest)
    return layout.changed(checks=checks, sections=sections)


def _idle(layout: Layout, probe: Probe, path: str, value: Mapping[str, Any]) -> list[str]:
    """The keys that single layers have otherwise, if no tensor depends on any of them in whatever layer."""
    section, depth = section_of(path), len(value)
    keys = sorted({key for layer in value.values() for key in layer} if all(map(_is_object, value.values())) else ())
    usual = real_total(probe.cls, probe.config_class, probe.raw)
    counted = {letter[1] for formula in layout.formulas for letter in formula.letters}
    for key in keys:
        name = path_of(section, key)
        if name in layout.switches or any(p.partition("[")[0] == name for p in counted):
            return []
        said = [layer[key] for layer in value.values() if key in layer]
        for other in (None, 1, 7, *(2 * x for x in said[:1] if type(x) is int)):
            several = ({name: other}, {path: {"0": {key: other}}}, {path: {str(i): {key: other} for i in range(depth)}})
            totals = {real_total(probe.cls, probe.config_class, changed(probe.raw, changes)) for changes in several}
            if totals - {usual, None} or (other == said[0] and None in totals):
                return []
    return keys


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _computed(file: Mapping[str, Any], probe: Probe, section: str = "") -> Iterator[tuple[str, Any]]:
    """Lists and objects that a file has, by path."""
    for key, value in file.items():
        path = path_of(section, key)
        if path in probe.instances and isinstance(value, dict):
            yield from _computed(value, probe, path)
        elif type(value) in (int, list, dict) and not probe.ignored(path):
            yield path, value


def _switched(rules: Rules, layout: Layout, path: str) -> dict[str, Any]:
    """Checked keys beside whose other values something else is computed, with their defaults."""
    usual, found = rules.value(path, {}), {}
    for name, check in layout.checks.items():
        for _, value in samples_of(check) if name != path else ():
            if not isinstance(value, KindList) and rules.value(path, {name: value}) not in (usual, MISSING):
                found[name] = check.given
    return found


def _overwritten(layout: Layout, probe: Probe, path: str, value: int) -> bool:
    """Whether the config puts a number of its own at *path*, whatever a file says there and at other keys."""
    others = [{n: v} for n, check in layout.checks.items() for _, v in samples_of(check) if n != path]
    for beside in ({}, *(one for one in others if not isinstance(next(iter(one.values())), KindList))):
        left = probe.try_config(beside)
        for number in (value + 1, 2 * value + 1, 7) if left is not None else ():
            given = probe.try_config({**beside, path: number})
            if given is None or differs(left, given):
                return False
    return True


def _any_longer(rules: Rules, probe: Probe, path: str, rule: Mapping[str, Any]) -> bool:
    """Whether the elements of a list beyond the number of layers are not read, whatever they are."""
    if rule["form"] != "list":
        return False
    listed = rules.value(path, {rule["depth"]: 3})
    others: tuple[list[Any], ...] = ([], listed[:1] * 2, listed[-1:] * 3)
    several = [{rule["depth"]: 3, path: [*listed, *more]} for more in others]
    totals = {real_total(probe.cls, probe.config_class, changed(probe.raw, changes)) for changes in several}
    return len(totals) == 1 and None not in totals


def _as_left_out(rules: Rules, probe: Probe, path: str, several: list[dict[str, Any]]) -> bool:
    """Whether the config is the same, or has as many parameters, where it says what it computes."""
    for changes in several:
        value = rules.value(path, changes)
        if value is MISSING:
            continue
        left, given = probe.try_config(changes), probe.try_config({**changes, path: value})
        if left is None or given is None:
            return False
        if differs(left, given):
            totals = {
                real_total(probe.cls, probe.config_class, changed(probe.raw, more))
                for more in (changes, {**changes, path: value})
            }
            if len(totals) > 1 or None in totals:
                return False
    return True
