"""Keys that a config class takes beside its declared fields, and what they do: another spelling, nothing, or refused.

A class takes them by properties that can be set (`num_hidden_layers` of LongCat sets `num_layers`), by names that its
code takes out of the arguments, perhaps from a table of old spellings, and by constants of the class that a file may
override. Each name that stands in the class's code is given to it: where the config becomes another one, the key is
taken, and the models tell whether it matters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from symcount.atlas.codes import MISSING
from symcount.core.paths import section_of
from symcount.survey.schema.config_class import attribute, attribute_at, settable
from symcount.survey.schema.probe import Probe, changed, differs, real_total, signature

__all__ = ["DESCRIPTION", "alike", "other_spelling", "renamed", "taken"]

#: What a key may say that describes a part of the model once more.
DESCRIPTION = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}


def taken(probe: Probe, path: str, known: Collection[str]) -> dict[str, str]:
    """What the class at *path* takes beside its fields and the keys that are *known*: key -> what it does.

    That is the number or sub-config of which the key is another spelling; empty if it must be refused, `null` if that
    must be, too. Keys that leave the tensors alone are left out.
    """
    owner, prefix = probe.parts[path], f"{path}." if path else ""
    inner = _inner(probe, path)
    set_by = settable(owner.cls)
    found: dict[str, str] = {}
    for key in sorted((owner.words | set_by) - owner.types.keys() - inner - set(known)):
        if probe.ignored(prefix + key) or not _may_be_set(owner.cls, key):
            continue
        values = _values(attribute(probe.instances[path], key))
        configs = [probe.try_config({prefix + key: value}) for value in values]
        moved = [v for v, one in zip(values, configs, strict=True) if one is not None and _moves(probe, path, key, one)]
        matters = bool(_described(probe, path, key)) or any(not alike(probe, prefix + key, v) for v in moved)
        if key in set_by:
            matters |= all(one is None for one in configs)
            matters |= any(not _counts_alike(probe, prefix + key, value) for value in values)
            if not _counts_alike(probe, prefix + key, None):
                found[key] = "null"
                continue
        if target := renamed(probe, path, key) or (other_spelling(probe, path, key) if moved else ""):
            found[key] = target
        elif matters:
            found[key] = ""
    return found


def alike(probe: Probe, path: str, value: Any) -> bool:
    """Whether the model has the same tensors with *value* at *path*, also where the config fills numbers in."""
    if not _same(probe, path, value):
        return False
    if not probe.givens:
        return True
    base, one = probe.try_config({}), probe.try_config({path: value})
    section, _, key = path.rpartition(".")
    if base is not None and one is not None and not differs(_without(base, section, key), _without(one, section, key)):
        return True
    with _nothing_given(probe):  # a number that is given hides that the key says what is filled in for it
        return _same(probe, path, value)


def other_spelling(probe: Probe, section: str, key: str) -> str:
    """The declared number that the code sets from an undeclared key; empty if it is none."""
    prefix = f"{section}." if section else ""
    owner, base = probe.parts[section], probe.config(probe.raw)
    for value in (128, 4096):
        one = probe.try_config({prefix + key: value})
        if one is None or not differs(_without(one, section, key), base):
            continue
        found = []
        for target in owner.types:
            default = owner.defaults.get(target)
            if "i" in owner.types[target] and (default is None or isinstance(default, int)):
                other = probe.try_config({prefix + target: value})
                if other is not None and not differs(one, other):
                    found.append(target)
        return found[0] if len(found) == 1 else ""
    return ""


def renamed(probe: Probe, section: str, key: str) -> str:
    """The sub-config for which *key* stands where it is left out, if whatever it says means the same there."""
    prefix = f"{section}." if section else ""
    for name in _described(probe, section, key):
        part, same = probe.parts[prefix + name], True
        for field, default in part.defaults.items():
            for value in _values(default) if type(default) in (bool, int) else ():
                said = {field: value}
                old = probe.try_config({prefix + name: MISSING, prefix + key: said})
                new = probe.try_config({prefix + name: said})
                same &= (old is None) == (new is None)
                same &= old is None or new is None or not differs(_without(old, section, key), new)
        if same:
            return name
    return ""


def _described(probe: Probe, section: str, key: str) -> list[str]:
    """The sub-configs that *key* describes where they are left out, as Molmo2's `vit_config` does `vision_config`."""
    prefix, found = f"{section}." if section else "", []
    for name in sorted(_inner(probe, section)):
        part, empty = probe.parts.get(prefix + name), probe.try_config({prefix + name: MISSING})
        sizes = {k: 2 * v for k, v in part.defaults.items() if type(v) is int and v > 1} if part is not None else {}
        for size, value in list(sizes.items())[:3] if empty is not None else ():
            one = probe.try_config({prefix + name: MISSING, prefix + key: {size: value}})
            if one is not None and differs(_without(one, section, key), empty):
                found.append(name)
                break
    return found


def _inner(probe: Probe, path: str) -> set[str]:
    """The sub-configs of the config at *path*."""
    return {p.rpartition(".")[2] for p in probe.parts if p and section_of(p) == path}


def _may_be_set(cls: type, key: str) -> bool:
    made = getattr(cls, key, None)
    return not callable(made) and not (isinstance(made, property) and made.fset is None)


def _values(current: Any) -> list[Any]:
    """Other values of the kind that a key has, or of several kinds."""
    match current:
        case bool():
            return [not current]
        case int():
            return [2 * current, current + 1] if current > 0 else [1, 8]
        case float():
            return [2 * current + 1]
        case str():
            return ["relu", "x"]
        case list() | tuple() if all(isinstance(x, int) for x in current):
            return [[2 * x for x in current]]
        case None:
            return [8, True, "relu", [1, 2], DESCRIPTION]
        case _:
            return [DESCRIPTION, 8]


def _moves(probe: Probe, section: str, key: str, one: Any) -> bool:
    base = probe.try_config({})
    return base is not None and differs(_without(base, section, key), _without(one, section, key))


def _counts_alike(probe: Probe, path: str, value: Any) -> bool:
    """Whether a file with *value* at *path* has as many parameters; a property may keep what it was set to elsewhere.

    A file that the config class refuses is none.
    """
    if probe.try_config({path: value}) is None:
        return True
    one, base = (real_total(probe.cls, probe.config_class, changed(probe.raw, c)) for c in ({path: value}, {}))
    return one is not None and one == base


def _same(probe: Probe, path: str, value: Any) -> bool:
    own, one = probe.trace({}), probe.trace({path: value})
    return own is not None and one is not None and signature(one) == signature(own)


def _without(config: Any, section: str, key: str) -> Any:
    if (found := attribute_at(config, section)) is not None:
        vars(found).pop(key, None)
    return config


@contextmanager
def _nothing_given(probe: Probe) -> Iterator[None]:
    givens, probe.givens = probe.givens, {}
    try:
        yield
    finally:
        probe.givens = givens
