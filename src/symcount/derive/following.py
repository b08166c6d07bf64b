"""Lists with an element for each layer: where the number of layers moves, they have to follow.

A config that says of which kind each layer is (`layer_types`), although the layers of all kinds have the same tensors,
lets the number of layers be nothing but the length of that list: transformers refuses every other. Such a list is
lengthened by beginning anew, and shortened from its end. What a config says instead is compared as always: see
`symcount.derive.binding`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from symcount.derive.configs import ConfigSource, Number, construct, walk
from symcount.derive.derivation import Derivation
from symcount.derive.exploring import possible
from symcount.derive.followed import Following, elements
from symcount.derive.sources import defaults_of, source_of
from symcount.derive.structure import depth_fields, shape_symbols
from symcount.derive.trace import Trace

__all__ = ["follow", "following"]


def follow(d: Derivation, depths: Sequence[str], small: Mapping[str, Number]) -> bool:
    """Let the lists of layers follow those of *depths* that do not move without; whether there are any.

    Args:
        d: its source is replaced.
        depths: numbers of layers.
        small: other values of them.
    """
    config = construct(d.source)
    found = _candidates(d, config, depths)
    moved = {depth: small[depth] for depth in depths if depth in found.values()}
    if not found or possible(d, [{**d.base, **moved}]) is not None:
        return False
    lists = {path: Following(_lookup(config, path), depth.rpartition(".")[2]) for path, depth in found.items()}
    if (followed := _moving(d, config, lists, moved)) is None:
        return False
    if not _alike(d, config, lists):
        lists = {path: one for path, one in lists.items() if _alike(d, config, {path: one})}
        followed = _moving(d, config, lists, moved)
    if followed is None:
        return False
    d.source, d.base = followed.source, followed.base
    return True


def following(source: ConfigSource, like: ConfigSource) -> ConfigSource:
    """*source* with lists that follow the depths, where those of *like* do."""
    lists = _of(like)
    config = construct(source) if lists else None
    return _with(source, config, {path: Following(_lookup(config, path), one.depth) for path, one in lists.items()})


def _with(source: ConfigSource, config: Any, lists: Mapping[str, Sequence[Any]]) -> ConfigSource:
    """*source*, of which *config* is made, with other *lists*, by path."""
    kwargs = dict(source.kwargs)
    aliases: dict[str, str] = getattr(source.cls, "attribute_map", None) or {}
    for path, value in lists.items():
        field, _, rest = path.partition(".")
        name = next((given for given in kwargs if aliases.get(given, given) == field), field)
        if rest:
            inner, made = kwargs.get(name), getattr(config, name)
            if not isinstance(inner, ConfigSource):  # its class's own, or its parent's
                inner = source_of(made, type(made))
            kwargs[name] = _with(inner, made, {rest: value})
        else:
            kwargs[name] = value
    return ConfigSource(source.cls, kwargs)


def _candidates(d: Derivation, config: Any, depths: Sequence[str]) -> dict[str, str]:
    """Lists that have as many elements as there are layers: path -> number of layers. No lists of sizes or depths."""
    assert d.default is not None  # noqa: S101  # set by the engine
    numbers = (*shape_symbols([d.default]), *depth_fields(d.default), *depths)
    sized = {name.partition("[")[0] for name in numbers if "[" in name}
    found: dict[str, str] = {}
    for path, instance in walk(config):
        prefix = f"{path}." if path else ""
        own = [depth for depth in depths if depth.rpartition(".")[0] == path and "[" not in depth]
        for name, _ in defaults_of(type(instance)) if own and "[" not in path else ():
            number = len(elements(getattr(instance, name, None)))
            depth = next((depth for depth in own if d.base[depth] == number > 1), None)
            if depth is not None and prefix + name not in sized:
                found[prefix + name] = depth
    return found


def _moving(
    d: Derivation, config: Any, lists: Mapping[str, Following], moved: Mapping[str, Number]
) -> Derivation | None:
    """The derivation with these lists, whose elements are no fields; `None` if the model cannot be built there."""
    followed = replace(d, source=_with(d.source, config, lists), base=_without(d.base, lists))
    return followed if lists and possible(followed, [{**followed.base, **moved}]) is not None else None


def _without(base: Mapping[str, Number], lists: Collection[str]) -> dict[str, Number]:
    return {name: value for name, value in base.items() if name.partition("[")[0] not in lists}


def _alike(d: Derivation, config: Any, lists: Mapping[str, Following]) -> bool:
    """Whether the model is the same, tensor by tensor, where the lists name another kind for each."""
    assert d.default is not None  # noqa: S101  # set by the engine
    others = {path: named for path, one in lists.items() if (named := one.renamed()) != one}
    if not others:
        return True
    other = possible(replace(d, source=_with(d.source, config, others)), [_without(d.base, others)])
    return other is not None and _tensors(other) == _tensors(d.default)


def _tensors(one: Trace) -> list[tuple[str, tuple[Any, ...], str]]:
    """Each name with its shape and the first name of the tensor."""
    first: dict[int, str] = {}
    return [(p.path, p.shape, first.setdefault(p.tensor_key, p.path)) for p in one.parameters]


def _of(source: ConfigSource, prefix: str = "") -> dict[str, Following]:
    """The lists of *source* that follow a number of layers, by path."""
    found: dict[str, Following] = {}
    for name, value in source.kwargs.items():
        if isinstance(value, ConfigSource):
            found |= _of(value, f"{prefix}{name}.")
        elif isinstance(value, Following):
            found[prefix + name] = value
    return found


def _lookup(config: Any, path: str) -> Any:
    for part in path.split("."):
        config = getattr(config, part)
    return config
