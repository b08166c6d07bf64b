"""What a config class saves for its defaults: a file with every key, which is the same model as one without any."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from symcount.atlas.codes import MISSING
from symcount.atlas.record import Check, Layout
from symcount.atlas.schema import Reader
from symcount.core.paths import path_of, section_of, value_at
from symcount.errors import ConfigError, SymcountError
from symcount.survey.schema.probe import Probe, changed, differs, real_total, signature
from symcount.survey.schema.work import key_of

__all__ = ["accept_saved", "made", "saved_file", "with_admitted", "with_meaning"]

_MOST = 12  # keys that are asked about for one class
_VALUES: Final[Mapping[str, Any]] = {"true": True, "false": False, "null": None}


def saved_file(probe: Probe) -> dict[str, Any]:
    """The file that the config class writes for the base config, with all its keys."""
    config = probe.config(probe.raw)
    found: dict[str, Any] = json.loads(json.dumps(config.to_dict(), default=str))
    return {key: value for key, value in found.items() if key not in ("architectures", "transformers_version")}


def accept_saved(layout: Layout, probe: Probe, activations: frozenset[str]) -> Layout:
    """*layout* with those values accepted that the config class itself saves, as far as they leave the tensors alone.

    Which key a layout is refused for is found by reading the file again and again.
    """
    file, found, left = saved_file(probe), layout, set[str]()
    own = probe.trace({})
    for _ in range(_MOST if own is not None else 0):
        refused = next((path for path in _refused(found, activations, file) if path not in left), None)
        if refused is None:
            break
        check = _accepted(probe, found, refused, attribute_of(file, refused), own)
        if check is None:
            left.add(refused)
        else:
            found = found.changed(checks={**found.checks, refused: check})
    totals = {real_total(probe.cls, probe.config_class, raw) for raw in (file, probe.raw)}
    return found if len(totals) == 1 else layout


def with_admitted(layout: Layout, probe: Probe) -> Layout:
    """*layout* without the numbers that it refuses though no tensor depends on them, which a saved file has."""
    file, checks, sections = saved_file(probe), dict(layout.checks), dict(layout.sections)
    own = real_total(probe.cls, probe.config_class, probe.raw)
    for section, rules in layout.sections.items():
        for key in rules.refused:
            value = attribute_of(file, path := path_of(section, key))
            if type(value) is not int or path in checks or path in layout.numbers:
                continue
            several = (value, 2 * value, 4 * value, max(1, value // 2))
            raws = [changed(probe.raw, {path: n}) for n in several]  # a trace has sizes as symbols, whatever they are
            if {real_total(probe.cls, probe.config_class, raw) for raw in raws} == {own}:
                checks[path] = Check(accept={"absent": 0, "#": 0})
                left = [k for k in sections[section].refused if k != key]
                sections[section] = sections[section].changed(refused=left)
    return layout.changed(checks=checks, sections=sections)


def with_meaning(layout: Layout, probe: Probe) -> Layout:
    """*layout* that takes a sub-config for one that is left out if it says what the class makes of that."""
    sections, types = dict(layout.sections), dict(layout.types)
    for path, section in layout.sections.items():
        left, given = (probe.try_config({path: value}) for value in (MISSING, attribute_of(probe.raw, path)))
        if not path or "." in path or section.optional == "given" or left is None:
            continue
        meant, usual = (json.loads(json.dumps(x.to_dict(), default=str)).get(path) for x in (left, given or left))
        if not isinstance(meant, dict) or not isinstance(usual, dict):
            continue
        if section.optional == "absent":
            bare = probe.try_config({path: {k: v for k, v in meant.items() if k == "model_type"}})
            usual = {} if bare is None else json.loads(json.dumps(bare.to_dict(), default=str))[path]
        own = [key for key, value in meant.items() if usual.get(key, MISSING) != value]
        raws = [changed(probe.raw, {path: value}) for value in (MISSING, meant)]
        totals = {real_total(probe.cls, probe.config_class, raw) for raw in raws if own}
        if len(totals) == 1 and None not in totals and not _handed_down(probe, path, meant):
            sections[path] = section.changed(meant=meant, own=own)
            if "" in types.get(path, ()):  # else it is the layout of another kind of sub-config, never left out
                types[path] = [*types[path], *({meant["model_type"]} - {*types[path]})]
    return layout.changed(sections=sections, types=types)


def _handed_down(probe: Probe, path: str, meant: Mapping[str, Any]) -> bool:
    """Whether a number or a switch of the config around a sub-config changes what is made of one that is left out."""
    for key, value in probe.parts[""].defaults.items():
        other = not value if isinstance(value, bool) else 2 * value if type(value) is int else None
        if other is None or key == path or (config := probe.try_config({path: MISSING, key: other})) is None:
            continue
        if json.loads(json.dumps(config.to_dict(), default=str)).get(path) != meant:
            return True
    return False


def attribute_of(file: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path of a file, `MISSING` if it has none."""
    return value_at(file, path, MISSING)


def _refused(layout: Layout, activations: frozenset[str], file: dict[str, Any]) -> Iterator[str]:
    """The checked keys whose values alone *layout* does not read."""
    for path in layout.checks:
        value = attribute_of(file, path)
        if value is MISSING:
            continue
        one = layout.changed(checks={path: layout.checks[path]}, switches=[], states={"": [0]})
        try:
            Reader(one, activations).read(file)
        except ConfigError:
            return
        except SymcountError as error:
            if str(error).startswith(f"{path} "):
                yield path


def _following(probe: Probe, layout: Layout, path: str, value: int) -> Check | None:
    """The check of a number that the config takes from another one where it is left out, `None` if from none."""
    check, section = layout.checks[path], section_of(path)
    for key, default in probe.parts[section].defaults.items() if not check.equals else ():
        name = f"{section}.{key}" if section else key
        if default != value or type(default) is not int or not _same(probe, {}, path, value):
            continue
        if _same(probe, {name: 2 * value}, path, 2 * value):  # the configs are the same, whatever that is
            if name in layout.numbers:
                return check.changed(equals=layout.numbers[name].name)
            return check.changed(accept={**check.accept, "#": 0})  # no formula has the one, nor the other
    return None


def _same(probe: Probe, changes: Mapping[str, Any], path: str, value: Any) -> bool:
    """Whether the config at *changes* is the same where *value* is given at *path*."""
    left, given = (probe.try_config({**changes, **more}) for more in ({}, {path: value}))
    return left is not None and given is not None and not differs(left, given)


def _accepted(probe: Probe, layout: Layout, path: str, value: Any, own: Any) -> Check | None:
    """The check of a key that accepts the saved *value* too, `None` if that is another model."""
    check = layout.checks[path]
    if type(value) is int and (found := _following(probe, layout, path, value)) is not None:
        return found
    if type(value) is int and (not _same(probe, {}, path, value) or _counts(probe, layout, path, value)):
        return None
    one = probe.trace({path: value})
    if one is None or signature(one) != signature(own):
        return None
    if isinstance(value, list):  # one element for each layer, of so many layers only
        depths = [n for n, number in layout.numbers.items() if number.given == len(value) and len(value) > 1]
        if any(_differs(probe, path, value, {n: 2 * len(value)}) for n in depths):
            return None
    followed = _followed(probe, layout, path, value)
    if followed is None or (followed and (check.pattern or not isinstance(value, list | dict | int))):
        return None
    if followed:  # what the config computes is no other's: beside other numbers it is another model
        return check.changed(pattern={"list": value, "same": followed})
    return check.changed(accept={**check.accept, f"={value}" if type(value) is int else key_of(value): 0})


def _differs(probe: Probe, path: str, value: Any, changes: dict[str, Any]) -> bool:
    """Whether the model at *changes* is another one where *value* is given at *path* than where it is left out."""
    given, left = (
        real_total(probe.cls, probe.config_class, changed(probe.raw, {**changes, **more}))
        for more in ({path: value}, {path: MISSING})
    )
    return given is not None and given != left


def _counts(probe: Probe, layout: Layout, path: str, value: int) -> bool:
    """Whether the config computes a number from how long a list is that may have another length."""
    section = section_of(path)
    for key, default in probe.parts[section].defaults.items():
        name = path_of(section, key)
        if not isinstance(default, list) or not default or key in layout.sections[section].lengths:
            continue
        if _is_fixed(layout.checks.get(name)):
            continue
        others = (made(probe, {name: other}, path) for other in ([*default, default[-1]], default[:-1]))
        if any(other not in (value, MISSING) for other in others):
            return True
    return False


def _is_fixed(check: Check | None) -> bool:
    """Whether a check admits no list but those that it has."""
    if check is None or check.pattern or check.arranged or check.each or check.rule or check.paths:
        return False
    return all(code.startswith("=") or code in ("null", "absent", "[]") for code in check.accept)


def _followed(probe: Probe, layout: Layout, path: str, value: Any) -> dict[str, Any] | None:
    """The numbers and switches from which the config computes what it saves as *value* at *path*, with their defaults.

    `None` if one of them is a number that has no default.
    """

    def follows(changes: dict[str, Any]) -> bool:
        if made(probe, changes, path) in (value, MISSING) or _same(probe, changes, path, value):
            return False
        raws = [changed(probe.raw, more) for more in (changes, {**changes, path: value})]  # a trace computes it itself
        one, other = (real_total(probe.cls, probe.config_class, raw) for raw in raws)
        return one is None or one != other

    found: dict[str, Any] = {}
    for name, number in layout.numbers.items():
        stem = name.partition("[")[0]
        if stem == path or type(default := probe.default(stem)) not in (int, list, type(None)):
            continue
        several = isinstance(default, list) and all(type(x) is int for x in default)
        usual = number.given if type(number.given) is int else 4
        moves = ((1, 1), (1, 2), (2, 0))  # a kernel is odd
        tries: list[Any] = [[a * x + b for x in default] if several else a * usual + b for a, b in moves]
        if any(follows({stem: other}) for other in tries):
            if type(number.given) is not int:
                return None
            found[name] = number.given
    for name in layout.switches:
        others = [_VALUES.get(c, c[1:]) for c, label in layout.checks[name].accept.items() if label and c[0] in "tfn'"]
        if name != path and any(follows({name: other}) for other in others):
            found[name] = layout.checks[name].given
    return found


def made(probe: Probe, changes: Mapping[str, Any], path: str) -> Any:
    """What the config at *changes* saves at *path*, `MISSING` if there is none."""
    config = probe.try_config(changes)
    return MISSING if config is None else attribute_of(json.loads(json.dumps(config.to_dict(), default=str)), path)
