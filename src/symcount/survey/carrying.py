"""What an older release of transformers has of a class, made of the newer one's entry where only spellings differ.

A config class may learn another spelling of a key from one release to the next: `num_hidden_layers` for `depth`. The
older class ignores it. Such an entry is not measured anew: the spellings that the older class does not have are left
out, and whether it counts as the older model does is tried with the spelling itself and with every size changed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from symcount.atlas.compiled import compiled
from symcount.atlas.record import Layout
from symcount.atlas.schema import Reader
from symcount.atlas.variant import Variant
from symcount.errors import SymcountError, UncoveredError
from symcount.exact.arithmetic import Number as Value
from symcount.survey.schema.check import count
from symcount.survey.schema.config_class import attribute, facts_of, parts, settable
from symcount.survey.schema.probe import INFRASTRUCTURE, changed, real_model, real_total
from symcount.verification.real_model import totals

__all__ = ["base_of", "carried", "disagreement", "names_differ", "parts_of"]

Row = dict[str, Any]
_MOST = 200  # configs for one layout
_INDEX = re.compile(r"\d+|\*")


def carried(row: Row, configs: Any) -> Row:
    """The row of a newer release with the spellings only that the installed one has."""
    layouts = []
    for item in row["layouts"]:
        layout = json.loads(json.dumps(item))
        found = parts_of(layout, configs)
        for path, section in layout.get("sections", {}).items():
            if path not in found or "aliases" not in section:
                continue
            facts = facts_of(found[path])
            known = {*facts.aliases, *facts.words, *facts.consumed, *settable(facts.cls)}
            section["aliases"] = {
                a: k for a, k in section["aliases"].items()
                if a in facts.aliases or (a in known and a not in facts.types)
            }  # fmt: skip
        layouts.append(layout)
    return {**row, "layouts": layouts}


def disagreement(row: Row, cls: Any, configs: Any, activations: frozenset[str], others: Row | None = None) -> str:
    """A config that the row and the installed release count otherwise; empty if none was found.

    Args:
        row: of the class.
        cls: the model class.
        configs: of its configs.
        activations: names of activation functions without parameters.
        others: a row of another release, whose keys and spellings are tried as well.
    """
    for number, item in enumerate(row["layouts"]):
        layout = Layout.from_json(item)
        reader = Reader(layout, activations)
        variants = [Variant(layout, formula) for formula in layout.formulas]
        also = None if others is None or number >= len(others["layouts"]) else Layout.from_json(
            others["layouts"][number])  # fmt: skip
        base = base_of(item)
        for tried, changes in enumerate([*_unknown(layout, parts_of(item, configs)), *_changes(layout, also)]):
            if tried > _MOST:
                break
            raw = changed(base, changes)
            try:
                ours = count(variants, reader.read(raw))
            except SymcountError:
                continue
            theirs = real_total(cls, configs, raw)
            if theirs is not None and ours != theirs:
                return f"{ours} and {theirs} at {json.dumps(raw)}"
    return ""


def names_differ(row: Row, cls: Any, configs: Any, activations: frozenset[str]) -> str:
    """What differs in the names of the tensors of the default model, the indices of lists aside; empty if nothing.

    Args:
        row: of the class.
        cls: the model class.
        configs: of its configs.
        activations: names of activation functions without parameters.
    """
    if not row["layouts"]:
        return ""
    item = row["layouts"][0]
    raw = base_of(item)
    model = real_model(cls, configs, raw)
    if model is None:  # it insists on keys
        return ""
    layout = Layout.from_json(item)
    variants = [Variant(layout, formula) for formula in layout.formulas]
    try:
        number, values = _settled(Reader(layout, activations), variants, raw)
    except SymcountError:  # the default is refused: sizes that are given are compared
        return ""
    found = variants[number]
    at = [values[path] for path in found.paths]
    ours = Counter(
        dict(_named(row["trees"][found.formula.tree], "", 1, lambda t: compiled([t], found.letters)(*at)[0]))
    )
    theirs: Counter[tuple[str, bool]] = Counter()
    seen: set[int] = set()
    for name, parameter in model.named_parameters(remove_duplicate=False):
        theirs[_INDEX.sub("*", name), id(parameter) in seen] += 1
        seen.add(id(parameter))
    if _names(ours) != _names(theirs):
        lost, new = (sorted(n for n, _ in a.keys() - b.keys()) for a, b in ((ours, theirs), (theirs, ours)))
        return f"other names: {', '.join(lost[:2])} … {', '.join(new[:2])}"
    tied = [sum(n for (_, again), n in names.items() if again) for names in (ours, theirs)]
    if tied[0] != tied[1]:
        return f"{tied[0]} tied names are {tied[1]}"
    said, real = found.count(values), totals(model)
    if said["unique"] != real["unique"] or said["per_layer"] == real["per_layer"]:
        return ""  # another number is told with the config that has it
    return f"{said['per_layer']} and {real['per_layer']} per layer: one module at two places is no two modules"


def _names(found: Mapping[tuple[str, bool], int]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for (name, _), number in found.items():
        sums[name] += number
    return sums


def _named(
    block: Sequence[Any], above: str, times: int, value: Callable[[str], Any]
) -> Iterator[tuple[tuple[str, bool], int]]:
    """The names of a stored tree, whether each is one more of a tensor, and how many there are."""
    name, _, parameters, children, repeat = [*block, *["", "", [], [], "1"][len(block) :]][:5]
    path = ".".join(part for part in (above, name) if part)
    times *= int(value(repeat))
    sums: Counter[tuple[str, bool]] = Counter()
    for parameter in parameters:
        full = f"{path}.{parameter[0]}" if path else str(parameter[0])
        sums[_INDEX.sub("*", full), len(parameter) > 2 and bool(parameter[2])] += times
    for child in children:
        for key, number in _named(child, path, times, value):
            sums[key] += number
    yield from sums.items()


def _settled(reader: Reader, variants: list[Variant], raw: Mapping[str, Any]) -> tuple[int, dict[str, Value]]:
    """The formula in whose domain the numbers of a config lie, and these."""
    reading = reader.read(raw)
    for number in reading.formulas:
        with suppress(UncoveredError):
            variants[number].check(reading.values)
            return number, reading.values
    raise UncoveredError("no formula is stored for it")


def base_of(layout: Mapping[str, Any]) -> Row:
    """A config of the layout that gives the sub-configs whose model type matters."""
    raw: Row = {}
    for path, admitted in layout.get("types", {}).items():
        stated = next((t for t in admitted if t), "")
        if stated and "" not in admitted:
            raw = changed(raw, {f"{path}.model_type": stated})
    return raw


def parts_of(layout: Mapping[str, Any], configs: Any) -> dict[str, Any]:
    """The configs of a layout by dotted path, as the installed release has them."""
    try:
        return parts(configs.from_dict(base_of(layout)))
    except Exception:  # noqa: BLE001  # a config class raises whatever its validation raises
        return {}


def _changes(layout: Layout, other: Layout | None) -> Iterator[dict[str, Any]]:
    """Changes of a config: every size first, then the spellings, then the switches, of which there may be many."""
    yield {}
    several = (layout, *([other] if other is not None else []))
    for part in (_sizes, _spellings, _switches):
        for one in several:
            yield from part(one)


def _sizes(one: Layout) -> Iterator[dict[str, Any]]:
    for path, number in one.numbers.items():
        if isinstance(number.given, int) and not {"[", "#"} & set(path):
            yield {path: 2 * number.given if number.given > 0 else 8}


def _spellings(one: Layout) -> Iterator[dict[str, Any]]:
    for path, section in one.sections.items():
        prefix = f"{path}." if path else ""
        for alias, key in section.aliases.items():
            number = one.numbers.get(prefix + key)
            if number is not None and isinstance(number.given, int):
                yield {prefix + alias: 2 * number.given}
            elif prefix + key in one.checks:
                for value in _values(one.checks[prefix + key].accept):
                    yield {prefix + alias: value}


def _switches(one: Layout) -> Iterator[dict[str, Any]]:
    for path, check in one.checks.items():
        for value in _values(check.accept):
            if "[" not in path and value != check.given:
                yield {path: value}


def _unknown(layout: Layout, found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Changes of the keys that the installed config classes have and the layout does not."""
    for path, config in found.items():
        section = layout.sections.get(path)
        if section is None:
            continue
        facts, prefix = facts_of(config), f"{path}." if path else ""
        listed = {p.rpartition(".")[2].partition("[")[0] for p in (*layout.numbers, *layout.checks)
                  if p.rpartition(".")[0] == path}  # fmt: skip
        known = {*section.types, *section.aliases, *section.refused, *section.lengths, *listed, *layout.sections}
        for key in sorted(({*facts.types, *facts.aliases, *facts.consumed, *settable(facts.cls)}) - known):
            kinds = facts.types.get(key, "")
            if kinds == "ifbsnld" or prefix + key in layout.sections or key in INFRASTRUCTURE:
                continue
            current = attribute(config, key)
            if "i" in kinds or type(current) is int or not kinds:
                yield {prefix + key: 2 * current if type(current) is int and current > 0 else 8}
            if "b" in kinds or isinstance(current, bool):
                yield {prefix + key: not current}


def _values(accept: Mapping[str, int]) -> Iterator[Any]:
    """The plain values that a check accepts, one of each label."""
    words: dict[str, Any] = {"true": True, "false": False, "null": None}
    seen = set()
    for key, label in accept.items():
        if key in words and label not in seen:
            yield words[key]
            seen.add(label)
        elif key.startswith("'") and label not in seen:
            yield key[1:]
            seen.add(label)
