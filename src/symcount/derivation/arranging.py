"""Which lists in a config say of which kind each layer is, so that a formula may have their numbers instead."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from symcount.concolic.config.config_source import ConfigSource, construct, fields_in, is_config
from symcount.concolic.observe import trace
from symcount.concolic.session import quiet
from symcount.concolic.traces import Trace
from symcount.config.arranged_lists import LISTED, MARK, NAMES, OTHERS, Arrangement, field_of
from symcount.derivation.structure import likely_depths
from symcount.errors import DerivationError
from symcount.verification.real_model import attribute

__all__ = ["INDICES", "arrangements", "distinguishes", "nameless", "number_in", "with_arrangements"]

#: Names of lists that may be lists of layers.
INDICES: Final = re.compile(r"(idxs?|ind(ic|ex)es|layers|layer_ids)$")
_EACH: Final = 2  # layers of each kind at which is tried whether the kinds differ


def arrangements(cls: type, source: ConfigSource) -> dict[str, Arrangement]:
    """The lists given in *source* whose elements choose between layers with different tensors, by path."""
    if not source.kwargs:
        return {}
    try:
        with quiet():
            config = construct(source)
    except Exception:  # noqa: BLE001  # the config class says what is wrong when the formula is derived
        return {}
    return {path: found for path, found in _candidates(config, source, "") if _chooses(cls, source, path, found)}


def with_arrangements(source: ConfigSource, found: Mapping[str, Arrangement]) -> ConfigSource:
    """*source* with arrangements in the place of its own lists."""
    kwargs = dict(source.kwargs)
    for path, arrangement in found.items():
        name, _, rest = path.partition(".")
        if rest:
            kwargs[name] = with_arrangements(kwargs[name], {rest: arrangement})
        else:
            kwargs[name] = arrangement
    return ConfigSource(source.cls, kwargs)


def distinguishes(one: Trace, other: Trace) -> bool:
    """Whether two models have other tensors, whatever layer they are in."""
    return _contents(one) != _contents(other)


def nameless(one: Trace, other: Trace) -> bool:
    """Whether two models have tensors of the same shapes, whatever they are called."""
    return Counter(str(p.shape) for p in one.parameters) == Counter(str(p.shape) for p in other.parameters)


def number_in(config: Any, name: str, arrangement: Arrangement) -> int | None:
    """How many layers of a kind (`layer_types#attention`) a config object has; `None` if it has no such list."""
    path, _, kind = name.partition(MARK)
    *sections, key = path.split(".")
    for section in sections:
        config = attribute(config, section)
    value, depth = attribute(config, key), attribute(config, arrangement.depth or " ")
    if arrangement.form == "indices" and isinstance(depth, int):
        listed = len(set(value or ()))
        return listed if kind == LISTED else depth - listed
    if kind == NAMES and isinstance(value, list | tuple):
        return len(set(value))
    return list(value).count(kind) if isinstance(value, list | tuple) else None


def _candidates(config: Any, source: ConfigSource, prefix: str) -> Iterator[tuple[str, Arrangement]]:
    numbers = {n: v for n, v in fields_in(config).items() if isinstance(v, int) and not isinstance(v, bool)}
    depths = likely_depths(numbers)
    for name, value in source.kwargs.items():
        if isinstance(value, ConfigSource):
            if is_config(inner := attribute(config, name)):
                yield from _candidates(inner, value, f"{prefix}{name}.")
            continue
        now = attribute(config, name)  # as the config class understands it: other words may mean the same
        if not isinstance(now, list | tuple) or not now:
            continue
        if all(isinstance(x, str) for x in now):
            depth = next((d for d in depths if numbers[d] == len(now)), "")
            if (depth or "layer" in name) and len(set(now)) > 1:  # the length of the list may be the number of layers
                yield prefix + name, Arrangement(Counter(now), depth)
            elif not depth and len(set(now)) == len(now):
                yield prefix + name, Arrangement({NAMES: len(now)}, "", NAMES)
        elif INDICES.search(name) and all(isinstance(x, int) for x in now) and len(set(now)) == len(now):
            for depth in depths:
                if 0 <= min(now) <= max(now) < numbers[depth]:
                    number = {LISTED: len(now), OTHERS: numbers[depth] - len(now)}
                    yield prefix + name, Arrangement(number, depth, "indices")
                    break


def _chooses(cls: type, source: ConfigSource, path: str, found: Arrangement) -> bool:
    """Whether a layer of one kind has other tensors than one of another, or a name has tensors of its own."""
    arranged = with_arrangements(source, {path: found})
    seen = []
    try:
        with quiet():
            for more in [*found.numbers, ""][:2]:
                values = {field_of(path, kind): _EACH + (kind == more) for kind in found.numbers}
                seen.append(trace(cls, arranged, values=values, limit=60_000))
            if not distinguishes(*seen):
                return False
            if found.form == NAMES:  # other words might choose something
                return nameless(trace(cls, source, limit=60_000), trace(cls, arranged, limit=60_000))
    except DerivationError:
        return False
    return True


def _contents(one: Trace) -> list[str]:
    return sorted(f"{re.sub(r'[0-9]+', '*', p.path)} {p.shape}" for p in one.parameters)
