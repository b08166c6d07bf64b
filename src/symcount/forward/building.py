"""Making the file of stored caches: one class at a time, derived, certified, and tried at other values of its options.

What a config says besides numbers may decide about the cache, or not: each such field of the config class is given
another value, and the real cache is looked at. Only fields that were seen not to matter may have any value later.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from symcount.atlas.codec import encode
from symcount.concolic.config.asking import is_json
from symcount.concolic.config.config_source import ConfigSource, construct, is_config
from symcount.concolic.config.source import defaults_of
from symcount.concolic.config.symbolic import build
from symcount.concolic.session import quiet
from symcount.concolic.values.expression import free_symbols, to_sympy
from symcount.concolic.values.numbers import SymbolicInt
from symcount.config.kind_lists import LISTED, MARK, OTHERS
from symcount.core.letters import assign
from symcount.core.notation import symbol
from symcount.derivation.drawing import inside
from symcount.derivation.formula import idle
from symcount.derivation.resolve import resolve
from symcount.errors import DerivationError, SymcountError
from symcount.forward.api import derived_cache
from symcount.forward.cache_formula import CacheFormula
from symcount.forward.stored import entry_of, to_record
from symcount.verification.real_model import attribute

__all__ = ["filled", "records", "written"]

_KINDS = "layer_types"


def records(name: str) -> list[dict[str, Any]]:
    """What is to be stored of a class: for configs that list the kinds of their layers, and for those that do not.

    Raises:
        SymcountError: its cache cannot be derived.
    """
    _, source, _, _ = resolve(name, {})
    with quiet():
        config = construct(source)
    if any(is_config(value) for value in vars(config).values()):
        raise DerivationError(f"{name}: its config has parts, whose rules are not stored")
    given = _optional(source.cls, config)
    first = _certified(name, given)
    if any(e.field.partition(MARK)[2] in (LISTED, OTHERS) for e in first.notation):
        raise DerivationError(f"{name}: its config lists layers by their indices, whose rules are not stored")
    made = [_record(first, source, given)]
    kinds = attribute(config, _KINDS)
    if isinstance(kinds, list) and all(isinstance(kind, str) for kind in kinds) and len(set(kinds)) > 1:
        try:
            listed = _certified(name, {**given, _KINDS: list(kinds)})
            made.insert(0, _record(listed, source, given))
        except SymcountError:  # only the class's own pattern is known then
            pass
    return made


def _certified(name: str, given: Mapping[str, Any]) -> CacheFormula:
    for options in (given, {k: v for k, v in given.items() if k == _KINDS}):
        try:
            return derived_cache(name, **options)
        except SymcountError:
            if not options or options is not given:
                raise
    raise DerivationError(f"{name}: no cache")


def _optional(config_class: type, config: Any) -> dict[str, int]:
    """Numbers that the config class fills in where they are left out."""
    found = {}
    for name, default in defaults_of(config_class):
        value = attribute(config, name)
        if default() is None and type(value) is int and not name.endswith("token_id"):
            found[name] = value
    return found


def _record(found: CacheFormula, source: ConfigSource, given: Mapping[str, int]) -> dict[str, Any]:
    aliases = dict(getattr(source.cls, "attribute_map", None) or {})
    known = sorted(name for name, _ in defaults_of(source.cls))
    record = to_record(found, fixed=_fixed(found), spellings=aliases, known=known)
    return filled(record, source, given)


def filled(record: dict[str, Any], source: ConfigSource, given: Mapping[str, int]) -> dict[str, Any]:
    """A record with the rules by which the config class fills in the numbers *given*, and the letters of these."""
    with quiet():
        made = build(source, {}, ())
    letters = {entry[1]: symbol(entry[0], entry[-1]) for entry in record["notation"]}
    rules: dict[str, str] = {}
    for name in given:
        value = attribute(made.config, name)
        if name not in letters or not isinstance(value, SymbolicInt):
            continue  # it does not matter, or is a constant of the class
        for field in sorted(free_symbols(value.node) - letters.keys()):
            item = next(iter(assign([field])))
            if item.letter in {entry[0] for entry in record["notation"]}:
                item = replace(item, letter=field.replace(".", "_"))
            record["notation"].append(entry_of(item))
            record["defaults"][item.letter] = made.symbols[field]
            letters[field] = item.symbol
        rules[letters[name].name] = encode(to_sympy(value.node, letters))
    return {**record, "filled": rules}


def _fixed(found: CacheFormula) -> dict[str, Any]:
    """The fields besides numbers that decide about the cache, or of which that is not known, with their values."""
    formula = found.whole
    point = dict(formula.base)
    for depth in formula.depths:
        low = next((n for n in range(4, 9) if inside(formula, {**point, depth: n})), point[depth])
        point[depth] = min(point[depth], low)
    reference = _held(found, formula.source, point)
    fixed: dict[str, Any] = {}
    free: dict[str, Any] = {}
    for name, default in defaults_of(formula.source.cls):
        value = formula.source.kwargs.get(name, default())
        if type(value) in (int, float) or idle(name) or name in _INFRASTRUCTURE or name.endswith("token_id"):
            continue
        if is_config(value) or name in formula.source.kwargs or name in formula.base:
            continue
        others = list(_others(name, value))
        same = [_held(found, _with(formula.source, {name: other}), point) == reference for other in others]
        if same and all(same):
            free[name] = others[0]
        else:
            fixed[name] = value if not isinstance(value, tuple) else list(value)
    for name in _mattering(found, formula.source, free):  # with all the layers that there are by default
        fixed[name] = formula.source.kwargs.get(name, dict(defaults_of(formula.source.cls))[name]())
    return {name: value for name, value in fixed.items() if is_json(value)}


def _mattering(found: CacheFormula, source: ConfigSource, free: Mapping[str, Any]) -> list[str]:
    """Those of the fields *free* at whose other value the cache is another one by default: halved until one is left."""
    if not free:
        return []
    reference = _held(found, source, found.whole.base)
    if _held(found, _with(source, free), found.whole.base) == reference:
        return []
    if len(free) == 1:
        return list(free)
    names = list(free)
    halves = names[: len(names) // 2], names[len(names) // 2 :]
    return [name for half in halves for name in _mattering(found, source, {n: free[n] for n in half})]


_INFRASTRUCTURE = {
    "dtype",
    "torch_dtype",
    "architectures",
    "id2label",
    "label2id",
    "transformers_version",
    "chunk_size_feed_forward",
}


def _others(name: str, value: Any) -> Iterator[Any]:
    """Other values that a field may have."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, str) and "act" in name:
        yield "gelu" if value != "gelu" else "relu"
    elif isinstance(value, Mapping) or name.startswith("rope"):
        yield {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}
    elif value is None:
        yield from (4, True)


def _with(source: ConfigSource, changed: Mapping[str, Any]) -> ConfigSource:
    return ConfigSource(source.cls, {**source.kwargs, **changed})


def _held(found: CacheFormula, source: ConfigSource, point: Mapping[str, Any]) -> Counter[Any] | None:
    """The tensors of a real cache there; `None` if there is no such model."""
    import torch

    observed: Any = found.whole.cls
    try:
        with quiet(), torch.device("meta"):
            holder = observed(build(source, point, frozenset(point)).config)
    except Exception:  # noqa: BLE001  # a class raises what it likes
        return None
    return Counter((name, tuple(p.shape)) for name, p in holder.named_parameters())


def written(path: Path, found: Mapping[str, list[dict[str, Any]]]) -> None:
    """Write the file: a line a formula, the classes in alphabetical order."""
    lines = [
        json.dumps(record, separators=(",", ":"), ensure_ascii=False)
        for name in sorted(found)
        for record in found[name]
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
