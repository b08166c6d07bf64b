"""The content of a `config.json` from the values of a formula's symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Any

from symcount.architectures import find
from symcount.config.kind_lists import MARK
from symcount.core.paths import path_of, split, value_at, with_value
from symcount.errors import ConfigError, UnknownModelError
from symcount.formulas.formula import Formula
from symcount.solver.sizes import DEPTH, main_sizes

__all__ = ["config_of", "with_open"]

_TRIED = 4096  # values of an open symbol
_NO_KINDS = ("listed", "others", "names")  # lists of another form: of indices, of names


def config_of(
    formula: Formula,
    values: Mapping[str, Any],
    beside: Mapping[str, Any] | None = None,
    lists: Mapping[str, Sequence[Any]] | None = None,
) -> dict[str, Any]:
    """The content of a `config.json` for *values* (by letter); for a class of one's own, the fields of its config.

    Args:
        formula: whose config.
        values: by letter.
        beside: fields that are kept, unless *values* or *lists* say otherwise.
        lists: whole lists, by field.

    Raises:
        ConfigError: the formula is of no model that takes a config, or a list is only known in part.

    >>> import symcount as sc
    >>> config_of(sc.formula("gpt2"), {"V": 50257, "L": 1024, "H": 768, "N": 12, "A": 12})["n_embd"]
    768
    """
    if not formula.model_type and formula.origin != "derived":
        raise ConfigError(f"{formula.name or 'this formula'} is no model of transformers; there is no config to write")
    try:
        architecture = find(formula.name)
        arguments = {*architecture.arguments, *architecture.decided}
    except UnknownModelError:  # a derived formula's options are all config fields
        arguments = set()
    named: dict[str, Any] = {} if _own_class(formula) else {"architectures": [formula.name]}
    if formula.model_type:
        named["model_type"] = formula.model_type
    switches = {n: v for n, v in formula.options.items() if isinstance(v, bool) and n not in arguments}
    fields = {formula.notation[letter].field: _plain(value) for letter, value in values.items()}
    single, parts, kinds = _sorted(fields)
    config = _kept(formula, beside or {}, fields)
    for path, value in {**switches, **single}.items():
        config = with_value(config, path, value)
    for path, elements in parts.items():
        config = with_value(config, path, _list(formula, path, elements))
    for path, numbers in kinds.items():
        each = (lists or {}).get(path) or [kind for kind, number in numbers.items() for _ in range(number)]
        section = path.rpartition(".")[0]
        config = with_value(config, path, list(each))
        config = with_value(config, path_of(section, DEPTH), len(each))
    return {**config, **named}


def _own_class(formula: Formula) -> bool:
    """Whether it is of a class that is none of transformers."""
    cls = getattr(formula, "cls", None)
    return cls is not None and not cls.__module__.startswith("transformers.")


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Fraction) else value


def _sorted(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, dict[int, Any]], dict[str, dict[str, int]]]:
    """Fields, elements of lists by index, and numbers of layers by kind."""
    single: dict[str, Any] = {}
    parts: dict[str, dict[int, Any]] = {}
    kinds: dict[str, dict[str, int]] = {}
    for path, value in fields.items():
        section, key, places = split(path)
        whole = path_of(section, key)
        name, mark, kind = path.partition(MARK)
        if mark and kind not in _NO_KINDS:
            kinds.setdefault(name, {})[kind] = value
        elif len(places) == 1:
            parts.setdefault(whole, {})[places[0]] = value
        elif places or mark:
            raise ConfigError(f"{path} is part of a list; a config that has it cannot be written")
        else:
            single[path] = value
    return single, parts, kinds


def _list(formula: Formula, path: str, elements: Mapping[int, Any]) -> list[Any]:
    """The list of which *elements* are some; the others are those of the class's default config.

    Raises:
        ConfigError: they are not known.
    """
    known = {formula.notation[n].field: _plain(value) for n, value in formula.given().items()}
    known |= getattr(formula, "pinned", {})  # elements that the formula holds at one value of
    own = {places[0]: v for p, v in known.items() if p.startswith(f"{path}[") and len(places := split(p)[2]) == 1}
    whole = {**own, **elements}
    if sorted(whole) != list(range(len(whole))):
        raise ConfigError(f"{path}: the other elements of the list are not known; a config cannot be written")
    return [whole[i] for i in range(len(whole))]


def _kept(formula: Formula, beside: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a given config that stay: none that is said anew, nor a list with an element for each layer."""
    depths = {path: new for path, new in fields.items() if formula.notation[path].letter.startswith("N")}
    old = {value_at(beside, path) for path in depths} - {None}
    changed = any(value_at(beside, path, new) != new for path, new in depths.items())

    def stays(path: str, value: Any) -> bool:
        if isinstance(value, list) and changed and len(value) in old:
            return False
        return path not in formula.notation or formula.notation[path].field not in fields

    def section(inner: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        return {
            key: section(value, f"{prefix}{key}.") if isinstance(value, Mapping) else value
            for key, value in inner.items()
            if isinstance(value, Mapping) or stays(f"{prefix}{key}", value)
        }

    return section(beside, "")


def with_open(formula: Formula, values: Mapping[str, Any]) -> dict[str, Any]:
    """*values*, and admissible ones of the symbols that only a condition speaks of: nearest to the usual proportions.

    >>> import symcount as sc
    >>> with_open(sc.formula("gpt2"), {"V": 50257, "L": 1024, "H": 896, "N": 8})["A"]
    14
    """
    found = dict(values)
    usual = formula.given()
    width, _ = main_sizes(formula)
    share = Fraction(values[width], usual[width]) if width in values and usual.get(width) else Fraction(1)
    conditions = [c for c in formula.domain if not {s.name for s in c.symbols} <= values.keys()]
    waiting = [e for e in formula.notation if any(e.symbol in c.symbols for c in conditions) and e.letter not in values]
    for e in waiting:
        found[e.letter] = max(1, e.minimum)  # which always fits, see `Rules`
    for e in waiting:
        if e.letter not in usual:
            continue
        wanted = usual[e.letter] * (share if e.scales else 1)
        own = [c for c in conditions if e.symbol in c.symbols and {s.name for s in c.symbols} <= found.keys()]
        most = min(2 * ceil(wanted), _TRIED)
        for number in sorted(range(max(1, e.minimum), most + 1), key=lambda n: (abs(n - wanted), -n)):
            if all(c.holds({**found, e.letter: number}) for c in own):
                found[e.letter] = number
                break
    return {e.letter: found[e.letter] for e in formula.notation if e.letter in found}
