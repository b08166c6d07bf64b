"""What a config does to its sub-configs: defaults of its own for them, keys that it hands down or writes into them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from symcount.atlas.codes import MISSING
from symcount.concolic.session import quiet
from symcount.core.paths import section_of, value_at
from symcount.errors import DerivationError
from symcount.survey.schema.config_class import attribute, attribute_at, facts_of, settable
from symcount.survey.schema.probe import differs

if TYPE_CHECKING:
    from symcount.survey.schema.probe import Probe

__all__ = ["defaults_around", "handed_down", "passed_on"]


def defaults_around(probe: Probe) -> None:
    """Let the facts of each sub-config have the defaults that a config file sees, not only those of its class."""
    for path in probe.instances:
        if others := _put_there(probe, path):
            found = probe.parts[path]
            probe.parts[path] = dataclasses.replace(found, defaults={**found.defaults, **others})


def _put_there(probe: Probe, path: str) -> dict[str, Any]:
    """Constants that the config around a sub-config has for it where a file gives the sub-config without them.

    A file overrides them. What is computed from other numbers of the configs around it is no constant.
    """
    stated = value_at(probe.raw, path)
    alone = None if not path or stated is None else _alone(type(probe.instances[path]))
    if stated is None or alone is None:
        return {}
    others: dict[str, Any] = {}
    for key, value in probe.parts[path].defaults.items():
        here, there = _value(probe.instances[path], key), _value(alone, key)
        plain = here is None or isinstance(here, bool | int | float | str | list)
        if key in stated or not plain or _same(here, there) or not _same(there, value):
            continue
        if _same(_value(attribute_at(probe.try_config({f"{path}.{key}": value}), path), key), value):
            others[key] = here
    for section in [s for s in probe.parts if not s or path.startswith(f"{s}.")] if others else []:
        for name, number in probe.parts[section].defaults.items():
            if type(number) is not int or number <= 0:
                continue
            moved = probe.try_config({f"{section}.{name}" if section else name: 2 * number})
            if moved is not None:
                there = attribute_at(moved, path)
                others = {k: v for k, v in others.items() if _same(_value(there, k), v)}
    return others


def _alone(cls: type) -> Any:
    """A config of a class with nothing given, `None` if there is none."""
    try:
        with quiet():
            return cls()
    except Exception:  # noqa: BLE001  # a class may insist on something
        return None


def _value(config: Any, key: str) -> Any:
    value = attribute(config, key, MISSING)
    return list(value) if isinstance(value, tuple) else value


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


def passed_on(probe: Probe, path: str) -> list[str]:
    """Keys of the config at *path* that its code writes into a sub-config, whatever that says itself.

    They are properties that can be set, as `image_size` where the images are those of a backbone.
    """
    prefix = f"{path}." if path else ""
    inner = [p for p in probe.instances if p and p.startswith(prefix) and p != path]
    base, found = probe.try_config({}), []
    for name in sorted(settable(type(probe.instances[path]))) if inner and base is not None else ():
        value = attribute(probe.instances[path], name)
        if name in probe.parts[path].types or f"_{name}" in probe.parts[path].defaults:
            continue
        one = probe.try_config({prefix + name: 2 * value if type(value) is int else 8})
        if one is None or any(differs(attribute_at(base, p), attribute_at(one, p)) for p in inner):
            found.append(name)
    return found


def handed_down(probe: Probe, path: str) -> str:
    """Whether a config hands keys of its own down to the sub-config at *path* if that is left out: empty if not.

    `alike` if that is the same as giving them in the sub-config; `unlike` if not, so that it must be given.

    Raises:
        DerivationError: it does so where the sub-config is given, too.
    """
    section, owner = section_of(path), facts_of(probe.instances[path])
    values: dict[str, Any] = {}
    outer = probe.parts[section]
    refused = settable(type(probe.instances[section]))  # see `passed_on`
    for key in owner.types:
        default = owner.defaults.get(key)
        number = isinstance(default, int) and not isinstance(default, bool) and default != 0
        if number and key not in outer.types and not key.endswith("token_id") and key not in refused:
            values[key] = int(default or 0) * 2
    base = probe.try_config({path: MISSING})
    for chosen in (values, *({k: v} for k, v in values.items())):
        up = {f"{section}.{k}" if section else k: v for k, v in chosen.items()}
        down = probe.try_config({f"{path}.{k}": v for k, v in chosen.items()})
        above = probe.try_config({path: MISSING, **up})
        if above is None or down is None or base is None:
            continue
        name = path.rpartition(".")[2]
        one, two, three = (getattr(attribute_at(c, section), name) for c in (base, above, down))
        if not differs(one, two):
            continue
        if not differs(two, three):
            return "alike"
        given, beside = probe.try_config({}), probe.try_config(up)
        if given is None or beside is None or differs(attribute_at(given, path), attribute_at(beside, path)):
            raise DerivationError(f"{path} takes keys of the config around it in a way that was not understood")
        return "unlike"
    return ""
