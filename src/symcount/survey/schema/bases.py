"""The configs from which a class is measured: defaults, what it insists on, and sub-config classes it may have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from symcount.atlas.codes import MISSING
from symcount.core.paths import value_at
from symcount.derivation.given_configs import given_for
from symcount.survey.schema.choices import choices_of
from symcount.survey.schema.config_class import facts_of, parts, settable
from symcount.survey.schema.probe import INFRASTRUCTURE, changed, real_total

__all__ = ["Base", "bases", "left_out", "said_whole", "with_given", "without_sections"]


@dataclass(frozen=True)
class Base:
    """A config from which a layout is measured.

    Attributes:
        raw: the config, in the form of a `config.json`.
        types: dotted path of a sub-config -> the model types that it may say; empty if it may say none.
        required: dotted paths that a config must give itself, since the class builds no model without them.
        absent: sub-configs that it leaves out, and that have other defaults than where they are given.
    """

    raw: dict[str, Any]
    types: dict[str, list[str]]
    required: frozenset[str] = field(default=frozenset())
    absent: frozenset[str] = field(default=frozenset())


def bases(cls: Any, configs: Any) -> Iterator[Base]:
    """The configs of the class *configs* from which *cls* is measured, its default first.

    There are none if transformers builds none of them.
    """
    given = given_for(cls, configs) or {}
    plain = [b for more in ([{}, given] if given else [{}]) for b in _default(configs, more)]
    first = next((base for base in plain if _builds(cls, configs, base)), None)
    if first is not None:
        yield first
    usual = None if first is None else real_total(cls, configs, first.raw)
    for choice in choices_of(str(getattr(configs, "model_type", ""))):
        chosen = next((b for b in _default(configs, _merged(given, choice)) if _builds(cls, configs, b)), None)
        if chosen is not None and (
            chosen.types or real_total(cls, configs, chosen.raw) != usual
        ):  # else it is of another head
            yield chosen


def left_out(cls: Any, configs: Any, base: Base) -> Base | None:
    """*base* without any sub-config; `None` if it has none, or transformers builds no model of that."""
    raw = without_sections(base.raw)
    absent = frozenset(base.raw) - frozenset(raw)
    if not absent or any(path.partition(".")[0] in absent for path in base.required):
        return None
    found = Base(raw, {path: [""] for path in base.types}, base.required, absent)
    return found if _builds(cls, configs, found) else None


def without_sections(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A config without its sub-configs."""
    return {key: value for key, value in raw.items() if not isinstance(value, dict) or not key.endswith("_config")}


def said_whole(cls: Any, configs: Any, base: Base) -> Base | None:
    """*base* with its sub-configs as a saved file has them, where they are others than a file that gives them in part.

    A config may make a sub-config that is left out with other defaults than the class of that sub-config has
    (`vision_use_head` of LLaVA-OneVision is false). A file that is saved has these beside all others, so it must
    give every key that is no default of the sub-config's class.

    Returns:
        The base, `None` if there is no such key, or transformers builds another model of that.
    """
    bare = without_sections(base.raw)
    whole = _file(configs, bare)
    if whole is None or base.absent:
        return None
    found = parts(configs.from_dict(_copied(bare)))
    kinds = {f"{p}.model_type": str(getattr(type(x), "model_type", "")) for p, x in found.items() if p in base.types}
    defaults = {f"{p}.{key}": x for p in found if p for key, x in _declared(found[p]) if key not in INFRASTRUCTURE}
    usual = _file(configs, base.raw) or {}
    given = {
        path: value
        for path, default in defaults.items()
        if path not in found and (value := value_at(whole, path, MISSING)) is not MISSING
        and not value == default == value_at(usual, path, MISSING)
    }  # fmt: skip

    def same(given: Mapping[str, Any]) -> bool:
        one = _file(configs, changed(base.raw, {**kinds, **given}))
        return all(
            value_at(one, path) == value_at(whole, path) for path in (defaults.keys() | whole.keys()) - found.keys()
        )

    if not given or not same(given):
        return None
    for path in list(given):  # what the config computes from others is none that must be given
        if same(fewer := {p: v for p, v in given.items() if p != path}):
            given = fewer
    raw = changed(base.raw, {**kinds, **given})
    if not given or (total := real_total(cls, configs, raw)) is None or total != real_total(cls, configs, bare):
        return None
    types = {path: [kinds[f"{path}.model_type"]] for path in base.types}
    return Base(raw, types, base.required | given.keys())


def _declared(config: Any) -> Iterator[tuple[str, Any]]:
    """The keys that the class of a config declares, with their defaults; properties that can be set have none."""
    facts = facts_of(config)
    yield from facts.defaults.items()
    yield from ((key, MISSING) for key in sorted(settable(type(config))) if key not in facts.defaults)


def _file(configs: Any, raw: Mapping[str, Any]) -> Any:
    """What a config class saves of *raw*, `None` if it refuses that."""
    try:
        return json.loads(json.dumps(configs.from_dict(_copied(raw)).to_dict(), default=str))
    except Exception:  # noqa: BLE001  # a config class raises whatever its validation raises
        return None


def _copied(raw: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(raw))


def with_given(base: Base, numbers: Mapping[str, Any]) -> Base:
    """*base* with further numbers, which a config must give to be read by it."""
    raw: dict[str, Any] = _copied(base.raw)
    for path, number in numbers.items():
        *sections, key = path.split(".")
        target = raw
        for section in sections:
            target = target.setdefault(section, {})
        target[key] = number
    return replace(base, raw=raw, required=base.required | frozenset(numbers))


def _builds(cls: Any, configs: Any, base: Base) -> bool:
    return real_total(cls, configs, base.raw) is not None


def _default(configs: Any, given: Mapping[str, Any]) -> Iterator[Base]:
    """The class's default with each sub-config given, or as it stands: a sub-config may need more if it is given."""
    try:
        config = configs.from_dict(_copied(given))
    except Exception:  # noqa: BLE001  # a config class raises whatever its validation raises
        return
    raw, types = _sections(config, given)
    required = frozenset(_leaves(given))
    yield Base(_merged(raw, given), types, required)
    yield Base(_merged({}, given), types, required)


def _sections(config: Any, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """A config that gives every sub-config, and the model types that these say."""
    raw: dict[str, Any] = {}
    types: dict[str, list[str]] = {}
    found = parts(config)
    for path, instance in found.items():
        if not path:
            continue
        section, _, key = path.rpartition(".")
        target = raw
        for name in section.split(".") if section else ():
            target = target[name]
        target[key] = {}
        default = facts_of(found[section]).automatic.get(key)
        if default is not None:
            kind = str(getattr(type(instance), "model_type", default))
            target[key]["model_type"] = kind
            types[path] = [kind, ""] if kind == default and not _stated(given, path) else [kind]
    return raw, types


def _stated(given: Mapping[str, Any], path: str) -> bool:
    """Whether a config that is given says the model type of the sub-config at *path*."""
    value = value_at(given, path)
    return isinstance(value, Mapping) and "model_type" in value


def _merged(raw: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = _copied(raw)
    for key, value in more.items():
        own = found.get(key)
        found[key] = _merged(own, value) if isinstance(own, dict) and isinstance(value, Mapping) else value
    return found


def _leaves(given: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted paths of what a config gives; the parts of a rotary embedding or of a vocabulary are one value."""
    for key, value in given.items():
        if isinstance(value, Mapping) and (key.endswith("_config") or "model_type" in value):
            yield from _leaves(value, f"{prefix}{key}.")
        elif key != "model_type":
            yield f"{prefix}{key}"
