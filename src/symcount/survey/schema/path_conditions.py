"""The path that a measured value takes: what the code of config and model asked of it, which others may answer alike.

A layout has a code for each value that was tried. Of a text or an object there are more values than can be tried: one
that answers every recorded question as the default does (or what the config class saves for it) takes the same path
through the code, and the model has the same tensors. Questions are gathered beside the default of all other keys, and
beside each value of every switch.

What the config itself computes from numbers or switches is no such value: it belongs to these. And where observation
changes the tensors, nothing is said.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from symcount.atlas.codes import MISSING
from symcount.atlas.questions import alike
from symcount.atlas.record import Layout
from symcount.concolic.config.asking import GENERAL
from symcount.concolic.traces import Trace
from symcount.concolic.values.expression import free_symbols
from symcount.concolic.values.path import Question
from symcount.core.paths import section_of, value_at
from symcount.survey.schema.alternatives import ROPES
from symcount.survey.schema.config_class import attribute
from symcount.survey.schema.layer_rules import rules_of
from symcount.survey.schema.probe import Probe, changed, differs, real_total, signature
from symcount.survey.schema.samples import samples_of
from symcount.survey.schema.work import key_of

__all__ = ["with_paths"]

_MOST: Final = 24  # values of switches beside which is asked
_TRIED: Final = 6  # values of a key that are compared with the real model

Asked = dict[str, dict[Question, None]]


def with_paths(layout: Layout, probe: Probe, said: list[str]) -> Layout:
    """*layout* with the questions that the values of its texts and objects answer; what was dropped is *said*."""
    found = _Paths(layout, probe).found(said)
    checks = {path: check.changed(**found.get(path, {})) for path, check in layout.checks.items()}
    return layout.changed(checks=checks)


class _Paths:
    """The values of one layout from which others are admitted, and what was asked of them."""

    def __init__(self, layout: Layout, probe: Probe) -> None:
        self.layout, self.probe = layout, probe
        self.asked: Asked = {}
        self.file = rules_of(probe).file
        self.given = {path: value for path in layout.checks if _opaque(value := self._given(path))}
        self.own: Any = None

    def found(self, said: list[str]) -> dict[str, dict[str, Any]]:
        """What each check gets."""
        base = self._observe({})
        if base is None:
            return {}
        self.own = signature(base)
        saved = self._saved()
        self._beside(saved)
        result: dict[str, dict[str, Any]] = {}
        for path, check in self.layout.checks.items():
            starts = [self.given[path]] if path in self.given and self._kept(path) else []
            if path in saved:
                starts.append(saved[path])
            accept, paths = dict(check.accept), []
            for start in starts:
                asked = self._questions(path)
                if isinstance(start, list) and asked and path not in saved:
                    continue  # the code goes through it as often as there are layers
                if isinstance(start, list) or any(not steps and kind == "value" for steps, kind, _ in asked):
                    if path in saved and start is saved[path]:
                        accept.setdefault(key_of(start), 0)
                elif not any(label and alike(start, asked, value) for label, value in samples_of(check)):
                    paths.append([start, asked])
                else:
                    said.append(f"{path}: a value with other tensors answers alike")
            if "#" not in accept and self._any_number(path):
                accept["#"] = 0
            if paths and (wrong := self._refuted(path, paths)) is not None:
                said.append(f"{path} = {json.dumps(wrong)} has other tensors")
                paths = []
            if paths or accept != check.accept:
                result[path] = {"accept": accept, "paths": paths}
        return result

    # ---------------------------------------------------------------- values

    def _given(self, path: str) -> Any:
        """What stands at *path* where a file does not say it."""
        if (value := value_at(self.probe.raw, path, MISSING)) is not MISSING:
            return value
        return self.layout.checks[path].given if self.probe.declared(path) is not None else None

    def _saved(self) -> dict[str, Any]:
        """What the class saves where the default says something else, as far as it belongs to no number or switch."""
        wanted = {}
        for path in self.layout.checks:
            value = value_at(self.file, path, MISSING)
            new = _opaque(value) and value != self.given.get(path) and path not in self.layout.numbers
            if new and rules_of(self.probe).value(path, {path: value}) == value:  # said once more, it is not made anew
                wanted[path] = value
        if wanted and self._same(wanted):
            self._gather(wanted)
        else:
            wanted = {path: value for path, value in wanted.items() if self._same({path: value})}
            for path, value in wanted.items():
                self._gather({path: value})
        return {path: value for path, value in wanted.items() if not self._follows(path)}

    def _kept(self, path: str) -> bool:
        """Whether the config has what a file says, so that its own code is seen to ask it."""
        start, made = self.given[path], value_at(self.file, path, MISSING)
        if isinstance(start, dict) and isinstance(made, dict):
            return all(made.get(key, MISSING) == value for key, value in start.items())
        return bool(made == start)

    def _same(self, changes: Mapping[str, Any]) -> bool:
        one = self.probe.trace(changes)
        return one is not None and signature(one) == self.own

    def _follows(self, path: str) -> bool:
        """Whether the config computes what it saves at *path* from a number that a formula has."""
        usual = rules_of(self.probe).value(path, {})
        for name, number in self.layout.numbers.items():
            if "[" in name or "#" in name or type(number.given) is not int:
                continue
            moved = [rules_of(self.probe).value(path, {name: n}) for n in (number.given + 1, 2 * number.given)]
            if any(value not in (usual, MISSING) for value in moved) or all(value is MISSING for value in moved):
                return True  # or there must be another one beside it
        return False

    def _any_number(self, path: str) -> bool:
        """Whether a number has no part in any tensor, nor in what the code asks, nor in other keys of the config."""
        value = value_at(self.file, path, MISSING)
        if type(value) is not int or path in self.layout.numbers:
            return False
        left = self.probe.try_config({})
        if not all(self._alike({path: number}, self.own) for number in (0, 7, value + 1)):
            return False  # at some of these there is no model
        for number in (value + 2, 2 * value):
            one, given = self.probe.trace({path: number}), self.probe.try_config({path: number})
            if one is None or given is None or signature(one) != self.own or path in _asked_numbers(one):
                return False
            if differs(_with(left, path, value), _with(given, path, value)):
                return False
        for switch in self.layout.switches:
            for label, other in samples_of(self.layout.checks[switch]) if switch != path else ():
                usual, moved = (self.probe.trace({switch: other, **more}) for more in ({}, {path: 2 * value}))
                if label and usual is not None and (moved is None or signature(moved) != signature(usual)):
                    return False
        return True

    # ------------------------------------------------------------- questions

    def _observe(self, changes: Mapping[str, Any]) -> Trace | None:
        """The trace at *changes* with observed values; `None` if it is another one than without."""
        one, plain = self.probe.observe(changes), self.probe.trace(changes)
        if one is None or plain is None or signature(one) != signature(plain):
            return None
        for question in one.asked:
            self.asked.setdefault(question.field, {}).setdefault(question)
        self._numbers(one)
        return one

    def _numbers(self, one: Trace) -> None:
        """Numbers inside of objects: that they are some, or their very values where the code asked for these."""
        pinned = _asked_numbers(one)
        for name in one.symbols:
            field, bracket, rest = name.partition("[")
            if bracket and field in self.layout.checks:
                steps = tuple(json.loads(step) for step in rest.removesuffix("]").split("]["))
                kind = "value" if name in pinned else "number"
                self.asked.setdefault(field, {}).setdefault(Question(field, steps, kind, None))

    def _gather(self, changes: Mapping[str, Any]) -> None:
        if self._observe(changes) is None:  # nothing is known of what is asked there
            for path in changes:
                self.asked.setdefault(path, {}).setdefault(Question(path, (), "value", None))

    def _beside(self, saved: dict[str, Any]) -> None:
        """Gather what is asked beside each value of the switches; what is saved must be the same there."""
        tried = 0
        for switch in self.layout.switches:
            for label, value in samples_of(self.layout.checks[switch]):
                if not label or tried == _MOST:
                    continue
                tried += 1
                plain = self.probe.trace({switch: value})
                if plain is None:
                    continue
                self._gather_all({switch: value})
                others = {p: v for p, v in saved.items() if p != switch}
                both = self.probe.trace({**others, switch: value}) if others else plain
                if both is None or signature(both) != signature(plain):
                    for path, own in others.items():
                        if not self._alike({path: own, switch: value}, signature(plain)):
                            saved.pop(path)
                elif others:
                    self._gather_all({**others, switch: value})

    def _alike(self, changes: Mapping[str, Any], own: Any) -> bool:
        """Whether the model at *changes* has these tensors, or there is none."""
        if (one := self.probe.trace(changes)) is not None:
            return bool(signature(one) == own)
        return real_total(self.probe.cls, self.probe.config_class, changed(self.probe.raw, changes)) is None

    def _gather_all(self, changes: Mapping[str, Any]) -> None:
        if self._observe(changes) is None:
            for path in self.layout.checks:
                self.asked.setdefault(path, {}).setdefault(Question(path, (), "value", None))

    def _questions(self, path: str) -> list[list[Any]]:
        """What was asked at *path*, as `questions.alike` has it."""
        return [[list(q.steps), q.kind, q.argument] for q in self.asked.get(path, {})]

    # ------------------------------------------------------------- the trial

    def _refuted(self, path: str, paths: list[list[Any]]) -> Any:
        """A value that is admitted and has other tensors, `None` if none of those that are tried has.

        Where there is no model with any of them, the value is used in a way that was not seen.
        """
        usual = real_total(self.probe.cls, self.probe.config_class, self.probe.raw)
        for start, asked in paths:
            admitted = [value for value in _others(start) if alike(start, asked, value)][:_TRIED]
            raws = [changed(self.probe.raw, {path: value}) for value in admitted]
            totals = [real_total(self.probe.cls, self.probe.config_class, raw) for raw in raws]
            for value, total in zip(admitted, totals, strict=True):
                if total not in (usual, None) or not any(totals):
                    return value
        return None


def _asked_numbers(one: Trace) -> set[str]:
    """The numbers that are in the shape of a tensor, or in what the code asked."""
    found: set[str] = set(one.hashed)
    for c in one.conditions:
        if c.module.startswith(GENERAL) or (c.right.op == "const" and not c.right.args[0]):
            continue  # a check of every config, or whether it is none
        found |= c.symbols
    for use in one.structural:
        found |= free_symbols(use.node)
    for parameter in one.parameters:
        for size in parameter.shape:
            found |= frozenset() if isinstance(size, int) else free_symbols(size)
    return found


def _with(config: Any, path: str, value: int) -> Any:
    """A config whose number at *path* is *value*."""
    config = copy.deepcopy(config)
    vars(value_at(config, section_of(path), None, attribute))[path.rpartition(".")[2]] = value
    return config


def _opaque(value: Any) -> bool:
    return isinstance(value, str | dict | list)


def _others(value: Any) -> Iterator[Any]:
    """Values that are a little different."""
    if isinstance(value, str):
        yield from (f"{value}x", "x", value[:-1], "")
    elif isinstance(value, dict):
        yield {**value, "comment": "x"}
        yield {k: _moved(v) for k, v in value.items()}
        yield from ({k: v for k, v in value.items() if k != key} for key in value)
        yield from ({**value, key: f"{text}x"} for key, text in value.items() if isinstance(text, str))
        yield from (dict(rope) for rope in ROPES)


def _moved(value: Any) -> Any:
    if type(value) in (int, float):
        return 2 * value + 1
    return {k: _moved(v) for k, v in value.items()} if isinstance(value, dict) else value
