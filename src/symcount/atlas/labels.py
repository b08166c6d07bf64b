"""Labels: which of the options that were measured a config has, and the formulas that hold for these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from symcount.atlas.codes import MISSING, code, mapped, word
from symcount.atlas.computed import is_said
from symcount.atlas.fitting import fits
from symcount.atlas.questions import alike
from symcount.atlas.record import Check, Layout
from symcount.atlas.rules import Rules
from symcount.config.kind_lists import counted, field_of
from symcount.errors import UncoveredError
from symcount.exact.arithmetic import Number as Value

__all__ = ["Labels"]


class Labels:
    """The labels of one layout."""

    def __init__(self, layout: Layout, rules: Rules, activations: frozenset[str]) -> None:
        self._layout = layout
        self._rules = rules
        self._activations = activations

    def state(self, found: Mapping[str, Any], values: dict[str, Value], known: Mapping[str, int]) -> list[int]:
        """Indices of the formulas that hold for a config, of whose labels some are *known*.

        Raises:
            UncoveredError: none holds.
        """
        layout = self._layout
        labels = dict(known)
        for path, check in layout.checks.items():
            if path not in known:
                labels[path] = self.label(path, check, found, values)
        key = ",".join([str(labels[path]) for path in layout.switches])
        state = layout.states.get(key)
        if state is None:
            said = ", ".join(f"{p} = {word(found[p])}" for p in layout.switches if labels[p])
            raise UncoveredError(f"no stored formula holds for {said or 'its options'}{' together' * (', ' in said)}")
        return state

    def label(self, path: str, check: Check, found: Mapping[str, Any], values: dict[str, Value]) -> int:
        """The label of what a config has at *path*; the numbers of layers that a list says are put among the *values*.

        Raises:
            UncoveredError: it has none.
        """
        value = found[path]
        said = code(value)
        whatever = not (check.rule and check.rule["beside"])  # what is computed is the same whatever other keys say
        if said == "#" and check.equals and whatever and self._rules.number(check.equals, values) == value:
            return 0
        if check.each and isinstance(value, list) and value == self._listed(check.each, values):
            return 0
        if check.rule and self._computed(path, value, found, values):
            return 0
        label = check.accept.get(said)
        if label is None and said.startswith("numbers"):
            label = check.accept.get("numbers")
        if label is not None:
            return label
        if check.pattern and type(value) in {list, str, dict, int} and fits(check.pattern, value, values, found):
            return 0
        if check.activation and isinstance(value, str) and value in self._activations:
            return 0
        if not (check.each and isinstance(value, list)):  # beside other sizes the usual list is not what is computed
            label = check.accept.get("=" + json.dumps(value, sort_keys=True))
            if label is not None:
                return label
        if "arranged" in check.accept and isinstance(value, list):
            self._arrange(path, check, value, values)
            return check.accept["arranged"]
        if any(alike(measured, asked, value) for measured, asked in check.paths):
            return 0
        raise UncoveredError(f"{path} = {word(value)} is outside the stored formulas")

    def _computed(
        self, path: str, value: Any, found: Mapping[str, Any], values: Mapping[str, Value],
        asked: frozenset[str] = frozenset(),
    ) -> bool:  # fmt: skip
        """Whether *value* is what the config computes beside the other keys of a file, of which some were *asked*."""
        rule = self._layout.checks[path].rule
        if type(value) not in (int, list, dict) or not is_said(rule, value, {**found, **values}):
            return False
        for name, usual in rule["beside"].items():
            own = found.get(name, MISSING)
            if own is MISSING or own is None or own == usual or name in asked:
                continue
            other = self._layout.checks.get(name)
            if other is None or not other.rule or not self._computed(name, own, found, values, asked | {path}):
                return False
        return True

    def _listed(self, each: list[Any], values: Mapping[str, Value]) -> Any:
        def said(item: Any) -> Any:
            if not isinstance(item, str):
                return item
            return item[1:] if item.startswith("'") else self._rules.number(item, values)

        return mapped(said, each)

    def _arrange(self, path: str, check: Check, value: list[Any], values: dict[str, Value]) -> None:
        """Put the numbers of layers of each kind, as a list has them, among the values."""
        spec = check.arranged
        depth = values.get(spec["depth"])
        found = counted(value, spec["kinds"], depth if isinstance(depth, int) else None, spec["form"])
        if isinstance(found, str):
            raise UncoveredError(f"{path} = {word(value)} {found}")
        for kind_, number in found.items():
            known = self._layout.numbers.get(field_of(path, kind_))
            if known is None:  # no formula has it: it took too long
                raise UncoveredError(f"{path} = {word(value)} is outside the stored formulas")
            if number < (least := known.minimum or 0):
                said = f"has {number} layers of the kind {kind_}; the stored formulas are for at least {least}"
                raise UncoveredError(f"{path} = {word(value)} {said}")
            values[field_of(path, kind_)] = number
