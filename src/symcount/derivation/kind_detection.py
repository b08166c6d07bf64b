"""Which lists in a config say of which kind each layer is, so that a formula may have their numbers instead."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from symcount.concolic.config.config_source import ConfigSource, construct, fields_in, is_config, is_of_transformers
from symcount.concolic.config.source import contained
from symcount.concolic.observe import trace
from symcount.concolic.session import quiet
from symcount.concolic.traces import Trace
from symcount.config.kind_lists import (
    FLAGS,
    LETTERS,
    LISTED,
    MARK,
    NAMES,
    OTHERS,
    KindList,
    field_of,
    kinds_of,
)
from symcount.core.paths import path_of, section_of
from symcount.derivation.structure import likely_depths
from symcount.errors import DerivationError
from symcount.verification.real_model import attribute

__all__ = ["INDICES", "distinguishes", "kind_lists", "nameless", "number_in", "with_kind_lists"]

#: Names of lists that may be lists of layers.
INDICES: Final = re.compile(r"(idxs?|ind(ic|ex)es|layers|layer_ids)$")
#: Names of texts that may have a letter for each layer.
_PATTERNS: Final = re.compile(r"(pattern|layout|schedule|order|arch|spec|stack|types?|kinds?|layers?|blocks?)$")
_EACH: Final = 2  # layers of each kind at which is tried whether the kinds differ


def kind_lists(cls: type, source: ConfigSource) -> dict[str, KindList]:
    """The lists given in *source* whose elements choose between layers with different tensors, by path.

    A list that a dataclass has by default is as good as given: no code made it of a number of layers.
    """
    if not source.kwargs and is_of_transformers(source.cls):
        return {}
    try:
        with quiet():
            config = construct(source)
    except Exception:  # noqa: BLE001  # the config class says what is wrong when the formula is derived
        return {}
    found: dict[str, KindList] = {}
    for path, kind_list in _candidates(config, source, ""):
        if path not in found and _chooses(cls, source, path, kind_list):
            found[path] = kind_list
    return found


def with_kind_lists(source: ConfigSource, found: Mapping[str, KindList]) -> ConfigSource:
    """*source* with kind_lists in the place of its own lists."""
    kwargs = dict(source.kwargs)
    for path, kind_list in found.items():
        name, _, rest = path.partition(".")
        if rest:
            inner = kwargs[name] if name in kwargs else contained(attribute(construct(source), name))
            kwargs[name] = with_kind_lists(inner, {rest: kind_list})
        else:
            kwargs[name] = kind_list
    return ConfigSource(source.cls, kwargs)


def distinguishes(one: Trace, other: Trace) -> bool:
    """Whether two models have other tensors, whatever layer they are in."""
    return _contents(one) != _contents(other)


def nameless(one: Trace, other: Trace) -> bool:
    """Whether two models have tensors of the same shapes, whatever they are called."""
    return Counter(str(p.shape) for p in one.parameters) == Counter(str(p.shape) for p in other.parameters)


def number_in(config: Any, name: str, kind_list: KindList) -> int | None:
    """How many layers of a kind (`layer_types#attention`) a config object has; `None` if it has no such list."""
    path, _, kind = name.partition(MARK)
    *sections, key = path.split(".")
    for section in sections:
        config = attribute(config, section)
    value, depth = attribute(config, key), attribute(config, kind_list.depth or " ")
    if kind_list.form == "indices" and isinstance(depth, int):
        listed = len(set(value or ()))
        return listed if kind == LISTED else depth - listed
    if kind == NAMES and isinstance(value, list | tuple):
        return len(set(value))
    return kinds_of(value).count(kind) if isinstance(value, list | tuple | str) else None


def _candidates(config: Any, source: ConfigSource, prefix: str) -> Iterator[tuple[str, KindList]]:
    """The lists that may say of which kind each layer is; one with several numbers of layers that it may have."""
    numbers = {n: v for n, v in fields_in(config).items() if isinstance(v, int) and not isinstance(v, bool)}
    depths = likely_depths(numbers)
    own = _own_fields(config, source)
    for name, value in {**own, **source.kwargs}.items():
        now = attribute(config, name)  # as the config class understands it: other words may mean the same
        if isinstance(value, ConfigSource):
            if is_config(now):
                yield from _candidates(now, value, f"{prefix}{name}.")
            continue
        if name in own and (form := _own_form(name, now)):
            for depth in (*(n for n in numbers if numbers[n] == len(now)), ""):
                yield prefix + name, KindList(Counter(kinds_of(now)), depth, form)
        if not isinstance(now, list | tuple) or not now:
            continue
        if all(isinstance(x, str) for x in now):
            depth = next((d for d in depths if numbers[d] == len(now)), "")
            if (depth or "layer" in name) and len(set(now)) > 1:  # the length of the list may be the number of layers
                yield prefix + name, KindList(Counter(now), depth)
            elif not depth and len(set(now)) == len(now):
                yield prefix + name, KindList({NAMES: len(now)}, "", NAMES)
        elif INDICES.search(name) and all(type(x) is int for x in now) and len(set(now)) == len(now):
            for depth in depths:
                if 0 <= min(now) <= max(now) < numbers[depth]:
                    number = {LISTED: len(now), OTHERS: numbers[depth] - len(now)}
                    yield prefix + name, KindList(number, depth, "indices")
                    break


def _own_fields(config: Any, source: ConfigSource) -> dict[str, Any]:
    """What a user's own class has, whether it was given or not: lists, texts, and the sources of dataclasses."""
    if is_of_transformers(source.cls):
        return {}
    declared = dataclasses.fields(config) if dataclasses.is_dataclass(config) else ()
    made_of = [f.name for f in declared if f.init] or [*source.kwargs]
    found = {name: source.kwargs.get(name, attribute(config, name)) for name in made_of}
    made = {n: contained(v) if dataclasses.is_dataclass(v) else v for n, v in found.items()}
    return {n: v for n, v in made.items() if isinstance(v, ConfigSource | list | tuple | str)}


def _own_form(name: str, value: Any) -> str:
    """The form of a list in which some element is there several times, or of a text with such letters."""
    if not isinstance(value, list | tuple | str) or not 1 < len(set(map(repr, value))) < len(value):
        return ""
    if isinstance(value, str):
        return LETTERS if _PATTERNS.search(name) else ""
    if all(isinstance(x, bool) for x in value):
        return FLAGS
    return "kinds" if all(isinstance(x, str) for x in value) else ""


def _chooses(cls: type, source: ConfigSource, path: str, found: KindList) -> bool:
    """Whether a layer of one kind has other tensors than one of another, or a name has tensors of its own."""
    changed = with_kind_lists(source, {path: found})
    seen = []
    try:
        with quiet():
            for more in [*found.numbers, ""][:2]:
                values = {field_of(path, kind): _EACH + (kind == more) for kind in found.numbers}
                seen.append(trace(cls, changed, values=values, limit=60_000))
            if not distinguishes(*seen):
                return False
            if found.form == NAMES:  # other words might choose something
                return nameless(trace(cls, source, limit=60_000), trace(cls, changed, limit=60_000))
    except DerivationError:
        return False
    read = {name.partition("[")[0] for name in seen[0].config_reads}
    unread = found.depth and path_of(section_of(path), found.depth) not in read
    return is_of_transformers(source.cls) or not unread  # another field may happen to be as much as the list is long


def _contents(one: Trace) -> list[str]:
    return sorted(f"{re.sub(r'[0-9]+', '*', p.path)} {p.shape}" for p in one.parameters)
