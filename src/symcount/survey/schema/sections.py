"""How a section of a config is read: other spellings, keys that only its code takes, lists of one length, null."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from symcount.atlas.codes import MISSING, code
from symcount.atlas.record import Check, Number, Section
from symcount.core.paths import section_of
from symcount.derivation.formula import DerivedFormula
from symcount.survey.schema.around import handed_down, passed_on
from symcount.survey.schema.config_class import Part, attribute, attribute_at, parts
from symcount.survey.schema.lists import stages
from symcount.survey.schema.probe import differs, signature
from symcount.survey.schema.taken import DESCRIPTION, alike, other_spelling, renamed, taken
from symcount.survey.schema.work import key_of

if TYPE_CHECKING:
    from symcount.survey.schema.work import Work

__all__ = ["Sections", "plain"]

#: Numbers that a key is tried at which the code takes.
_NUMBERS = (7, 3, 0.5)


class Sections:
    """The sections of a layout."""

    def __init__(self, work: Work, formulas: list[DerivedFormula], empty: Any) -> None:
        """Prepare to measure them.

        Args:
            work: what is known of the layout.
            formulas: its formulas.
            empty: the config of a file without keys, `None` if the class insists on some.
        """
        self._work, self._probe, self._formulas, self._empty = work, work.probe, formulas, empty

    def section(  # noqa: PLR0912  # a section has many aspects, each measured by a few lines
        self, path: str, owner: Part, numbers: dict[str, Number], checks: dict[str, Check]
    ) -> Section:
        """How the section at *path* is read; keys that its code takes become *checks*."""
        prefix = f"{path}." if path else ""
        inner = {p.rpartition(".")[2] for p in self._probe.parts if p and section_of(p) == path}
        types = {k: v for k, v in owner.types.items() if v != "ifbsnld" and k not in inner and k != "dtype"}
        aliases: dict[str, str] = {}
        refused = ["per_layer_config"]  # overrides of single layers, applied by the general config class
        for alias, key in owner.aliases.items():
            if "." in key or alias == key or key in inner:
                continue
            if self._means(path, alias, key):
                aliases[alias] = key
            elif prefix + key in numbers or prefix + key in checks or f"{prefix}{key}[0]" in numbers:
                refused.append(alias)
        texts = [s.get("spelled", {}) for p, s in self._work.arranged.items() if section_of(p) == path]
        spelled = {key for keys in texts for key in keys}
        for key, constants in owner.consumed.items():
            if key in owner.types or key in aliases or key in inner or prefix + key in checks or key in spelled:
                continue
            if self._probe.ignored(prefix + key) or key in {self._instead(prefix + name) for name in inner}:
                continue
            if target := renamed(self._probe, path, key) or other_spelling(self._probe, path, key):
                aliases[key] = target
            else:
                self._consumed(path, key, constants, checks)
        if "rope_parameters" in owner.types:
            legacy = [k for k in ("partial_rotary_factor", "rope_theta") if k not in owner.types]
            refused += [k for k in legacy if prefix + k not in checks and not self._same(prefix + k, 0.5)]
        refused += [k for k in passed_on(self._probe, path) if k not in aliases and prefix + k not in checks]
        listed = {p.rpartition(".")[2].partition("[")[0] for p in (*numbers, *checks) if section_of(p) == path}
        known = {*aliases, *refused, *spelled, *listed, *(self._instead(prefix + name) for name in inner)}
        for key, effect in taken(self._probe, path, known).items():
            if effect == "null":
                checks[prefix + key] = Check(None, None, {"absent": 0})
                self._work.samples.setdefault(prefix + key, {0: MISSING})
            elif effect:
                aliases[key] = effect
            else:
                refused.append(key)
        lengths = {k.rpartition(".")[2]: v for k, v in self._work.lengths.items() if section_of(k) == path}
        null, optional = False, ""
        if path and self._empty is not None:
            if path in parts(self._empty):
                left = self._probe.try_config({path: MISSING})
                none = self._probe.try_config({path: None})
                null = left is not None and none is not None and not differs(left, none)
            else:
                optional = "given"
        elif path:
            optional = "given"
        lengths = {k: v for k, v in lengths.items() if not self._any_length(prefix + k)}
        handed = handed_down(self._probe, path) if path and not optional else ""
        optional, flat = ("given" if handed == "unlike" else optional), handed == "alike"
        unnamed = prefix + "num_labels" in numbers and not self._named(path)
        return Section(types, aliases, sorted(refused), lengths, null, optional, flat, unnamed, self._instead(path))

    def _instead(self, path: str) -> str:
        """The key beside a sub-config that replaces it as a whole, as `text_config_dict` does with `text_config`."""
        section, _, name = path.rpartition(".")
        key = f"{name}_dict"
        if not path or key not in self._probe.parts[section].consumed:
            return ""
        sizes = [(k, v) for k, v in self._probe.parts[path].defaults.items() if type(v) is int and v > 1][:2]
        if len(sizes) < 2:
            return ""
        (one, a), (two, b) = sizes
        prefix = f"{section}." if section else ""
        replaced = self._probe.try_config({prefix + key: {one: 2 * a}, path: {two: 2 * b}})
        direct = self._probe.try_config({path: {one: 2 * a}})
        if replaced is None or direct is None or differs(attribute_at(replaced, path), attribute_at(direct, path)):
            return ""
        return key

    def _named(self, section: str) -> bool:
        """Whether there are as many labels as `id2label` names."""
        prefix = f"{section}." if section else ""
        one = self._probe.try_config({f"{prefix}id2label": {str(i): f"L{i}" for i in range(5)}})
        return one is not None and attribute(attribute_at(one, section), "num_labels") == 5

    def _any_length(self, path: str) -> bool:
        """Whether a list of numbers may as well be shorter."""
        if any(e.field.startswith(f"{path}[") for f in self._formulas for e in f.notation):
            return False
        current = attribute_at(self._probe.instances.get(""), path)
        return isinstance(current, list | tuple) and len(current) > 1 and alike(self._probe, path, list(current)[:1])

    def _same(self, path: str, value: Any) -> bool:
        base, one = self._probe.trace({}), self._probe.trace({path: value})
        return base is not None and (one is None or signature(one) == signature(base))

    def _means(self, section: str, alias: str, key: str) -> bool:
        """Whether the other spelling has the same effect as the key itself, at a value that is not the default."""
        prefix = f"{section}." if section else ""
        default = self._probe.default(prefix + key)
        for value in _others(default, attribute_at(self._probe.instances.get(""), prefix + key)):
            one, other = (self._probe.try_config({prefix + name: value}) for name in (alias, key))
            for beside in self._work.failed if one is None and other is None else ():  # a config has both or none
                more = {beside: value}
                one, other = (self._probe.try_config({prefix + name: value, **more}) for name in (alias, key))
                if one is not None and other is not None:
                    break
            if one is not None and other is not None:
                return not differs(one, other)
        return False

    def _describes(self, path: str) -> bool:
        """Whether the key describes a sub-config once more, as `text_config_dict` does beside `text_config`."""
        base, other = self._probe.config(self._probe.raw), self._probe.try_config({path: dict(DESCRIPTION)})
        return other is not None and any(
            differs(attribute_at(base, p), attribute_at(other, p)) for p in self._probe.parts if p
        )

    def _consumed(self, section: str, key: str, constants: list[Any], checks: dict[str, Check]) -> None:
        """A key that the code takes: the values at which it changes nothing are accepted."""
        path = f"{section}.{key}" if section else key
        same, other = [], False
        for value in dict.fromkeys([*(c for c in constants if plain(c)), None, True, False, *_NUMBERS, "x"]):
            if alike(self._probe, path, value):
                same.append(value)
            else:
                other = True  # also where no model can be built: the value is used, and another one may say something
        if not other and not self._describes(path):
            return
        accept = {"absent": 0} if path not in self._probe.required or alike(self._probe, path, MISSING) else {}
        for value in same:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            accept["=" + json.dumps(value) if number else code(value)] = 0
        if all(number in same for number in _NUMBERS):  # it is one of a kind that tensors do not depend on: a base
            accept["#"] = 0
        pattern: dict[str, Any] = {}
        current = attribute_at(self._probe.instances.get(""), path)
        if isinstance(current, list) and current and alike(self._probe, path, current):
            accept[key_of(current)] = 0
            pattern = stages(self._probe, path, current)
        checks[path] = Check(None, None, accept, pattern=pattern)
        self._work.samples.setdefault(path, {0: MISSING})


def plain(value: Any) -> bool:
    """Whether JSON has it."""
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _others(default: Any, current: Any) -> list[Any]:
    """Values for a key that are not its default."""
    value = current if default is None or default is MISSING else default
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [int(value) * 2, int(value) + 1, int(value) * 4]
    if isinstance(value, float):
        return [value * 2, value / 2]
    if isinstance(value, str):
        return [s for s in ("relu", "gelu", "silu", value + "x") if s != value]
    if isinstance(value, list | tuple) and value and all(isinstance(x, int) for x in value):
        return [[int(x) * 2 for x in value]]
    return [8, "relu", True]
