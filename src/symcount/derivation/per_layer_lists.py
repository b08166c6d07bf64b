"""Which lists of a config have one element for each layer, so that they must grow and shrink with the depth.

A config that says of which kind each layer is (`layer_types`), although the layers of all kinds have the same tensors,
lets the number of layers be nothing but the length of that list: transformers refuses every other. Such a list is
lengthened by beginning anew, and shortened from its end. What a config says instead is compared as always: see
`symcount.derivation.binding`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from symcount.concolic.config.config_source import ConfigSource, aliases_of, construct, fields_in, walk
from symcount.concolic.config.source import defaults_of, source_of
from symcount.concolic.config.symbolic import Number
from symcount.concolic.traces import Trace
from symcount.config.per_layer import Following, elements
from symcount.derivation.evidence import Evidence, Follow
from symcount.derivation.runs import possible
from symcount.derivation.structure import depth_fields, shape_symbols
from symcount.verification.real_model import attribute

__all__ = ["follow", "following"]

_MOST = 4  # kinds that are tried for each layer: a list of rates may have another one in each


def follow(e: Evidence, depths: Sequence[str], small: Mapping[str, Number]) -> Follow | None:
    """The verdict that per-layer lists grow with a depth, if a depth cannot change otherwise; `None` if there are none.

    Args:
        e: the default run.
        depths: numbers of layers.
        small: other values of them, at which the model cannot be built.
    """
    config = construct(e.plan.source)
    found = _candidates(e, config, depths)
    moved = {depth: small[depth] for depth in depths if depth in found.values()}
    if not found or (len(moved) < len(small) and possible(e, [{**e.base, **moved}]) is not None):
        return None
    lists = {path: Following(_lookup(config, path), depth.rpartition(".")[2]) for path, depth in found.items()}
    if not _alike(e, config, lists, moved):
        lists = {path: one for path, one in lists.items() if len(lists) > 1 and _alike(e, config, {path: one}, moved)}
        e.journal.rigid.update(found.keys() - lists.keys())
        if not lists or _moving(e, config, lists, moved) is None:
            return None
    return Follow(_with(e.plan.source, config, lists), _without(e.base, lists))


def following(source: ConfigSource, like: ConfigSource) -> ConfigSource:
    """*source* with per-layer lists that grow with the depth wherever those of *like* do."""
    lists = _of(like)
    config = construct(source) if lists else None
    return _with(source, config, {path: Following(_lookup(config, path), one.depth) for path, one in lists.items()})


def _with(source: ConfigSource, config: Any, lists: Mapping[str, Sequence[Any]]) -> ConfigSource:
    """*source*, of which *config* is made, with other *lists*, by path."""
    kwargs = dict(source.kwargs)
    aliases = aliases_of(source.cls)
    for path, value in lists.items():
        field, _, rest = path.partition(".")
        name = next((given for given in kwargs if aliases.get(given, given) == field), field)
        if rest:
            inner, made = kwargs.get(name), attribute(config, name)
            if not isinstance(inner, ConfigSource):  # its class's own, or its parent's
                inner = source_of(made, type(made))
            kwargs[name] = _with(inner, made, {rest: value})
        else:
            kwargs[name] = value
    return ConfigSource(source.cls, kwargs)


def _candidates(e: Evidence, config: Any, depths: Sequence[str]) -> dict[str, str]:
    """Lists that have as many elements as there are layers: path -> number of layers. No lists of sizes or depths."""
    numbers = (*shape_symbols([e.default]), *depth_fields(e.default), *depths)
    sized = {name.partition("[")[0] for name in numbers if "[" in name}
    found: dict[str, str] = {}
    for path, instance in walk(config):
        prefix = f"{path}." if path else ""
        own = [depth for depth in depths if depth.rpartition(".")[0] == path and "[" not in depth]
        values = fields_in(instance)  # what differs from layer to layer may not be asked for otherwise
        for name, _ in defaults_of(type(instance)) if own and "[" not in path else ():
            known = elements(values.get(name))
            depth = next((depth for depth in own if e.base[depth] == len(known) > 1), None)
            named = all(isinstance(x, str) for x in known)
            if depth is not None and prefix + name not in e.journal.rigid and (named or prefix + name not in sized):
                found[prefix + name] = depth
    return found


def _moving(e: Evidence, config: Any, lists: Mapping[str, Following], moved: Mapping[str, Number]) -> Trace | None:
    """The model with these lists, whose elements are no fields; `None` if it cannot be built."""
    plan = replace(e.plan, source=_with(e.plan.source, config, lists))
    return possible(replace(e, plan=plan), [{**_without(e.base, lists), **moved}])


def _without(base: Mapping[str, Number], lists: Collection[str]) -> dict[str, Number]:
    return {name: value for name, value in base.items() if name.partition("[")[0] not in lists}


def _alike(e: Evidence, config: Any, lists: Mapping[str, Following], moved: Mapping[str, Number]) -> bool:
    """Whether the model is the same, tensor by tensor, where the lists name any other of their kinds for each."""
    kinds = min(_MOST, max(len(one.kinds) for one in lists.values()))
    turned = ({path: one.renamed(by) for path, one in lists.items()} for by in range(kinds))
    first, *others = (one and _tensors(one) for one in (_moving(e, config, named, moved) for named in turned))
    return first is not None and all(other == first for other in others)


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
        config = attribute(config, part)
    return config
