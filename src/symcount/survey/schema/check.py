"""A layout against transformers: random configs, read by the stored rules and by the config class itself.

The configs are what a `config.json` might be: keys left out, null, spelled in another way, sub-configs left out or
given in part, every combination of switches. The real class is built from each by `from_dict`, on the meta device.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from symcount.atlas.codes import MISSING
from symcount.atlas.record import Layout
from symcount.atlas.schema import Reader, Reading
from symcount.atlas.variant import Variant
from symcount.derivation.drawing import draw
from symcount.errors import SymcountError, UncoveredError, VerificationError
from symcount.survey.schema.kinds import expanded
from symcount.survey.schema.measure import Measured
from symcount.survey.schema.probe import Probe, changed, real_total

__all__ = ["check", "count", "counted", "with_given_sections"]

_ATTEMPTS = 10  # for each config that is wanted


def check(found: Measured, activations: frozenset[str], number: int = 8, seed: int = 0) -> int:
    """Compare the layout with *number* random configs; how many could be compared.

    Raises:
        VerificationError: they disagree; the message has the config.
    """
    rng = random.Random(seed)
    found.layout = layout = with_given_sections(found.layout, found.probe, activations)
    reader = Reader(layout, activations)
    variants = [Variant(layout, f) for f in layout.formulas]
    passed = 0
    usual = [found.probe.raw]  # before the random ones
    if all("" in kinds for kinds in layout.types.values()):
        usual.append({})
    for attempt in range(_ATTEMPTS * number):
        if passed >= number:
            break
        raw = usual.pop() if usual else _config(found, rng, share=max(0.1, 0.9**attempt))
        try:
            raw = _spelled_out(reader, raw, rng)
            reading = reader.read(raw)
            ours = count(variants, reading)
        except SymcountError:
            continue
        theirs = real_total(found.probe.cls, found.probe.config_class, raw)
        if theirs is None:
            continue
        if ours != theirs:
            raise VerificationError(f"{found.probe.cls.__name__}: the atlas and transformers disagree: "
                                    f"{_smallest(found.probe, reader, variants, raw)}")  # fmt: skip
        passed += 1
    return passed


def counted(layout: Layout, activations: frozenset[str], raw: dict[str, Any]) -> int | None:
    """What a layout counts for a config, `None` if it refuses it."""
    try:
        return count([Variant(layout, f) for f in layout.formulas], Reader(layout, activations).read(raw))
    except SymcountError:
        return None


def with_given_sections(layout: Layout, probe: Probe, activations: frozenset[str]) -> Layout:
    """*layout* that asks for sub-configs whose defaults are others where they are left out, as was not measured."""
    reader = Reader(layout, activations)
    variants = [Variant(layout, f) for f in layout.formulas]
    sections = dict(layout.sections)
    for section, rules in layout.sections.items():
        if not section or rules.optional or "" not in layout.types.get(section, [""]):
            continue
        raw = changed(probe.raw, {section: MISSING})
        try:
            ours = count(variants, reader.read(raw))
        except SymcountError:
            continue
        if ours != real_total(probe.cls, probe.config_class, raw):
            sections[section] = rules.changed(optional="given")
    return layout.changed(sections=sections)


def count(variants: list[Variant], reading: Reading) -> int:
    """The number of parameters by the first of a layout's formulas in whose domain a reading lies.

    Raises:
        UncoveredError: there is none.
    """
    for number in reading.formulas:
        with suppress(UncoveredError):
            variants[number].check(reading.values)
            return int(variants[number].count(reading.values)["unique"])
    raise UncoveredError("no formula is stored for it")


def _smallest(probe: Probe, reader: Reader, variants: list[Variant], raw: dict[str, Any]) -> str:
    """A config with as few keys as possible at which they still disagree, and the two numbers."""
    said = ""
    for path in [None, *(p for p, v in _leaves(raw))]:
        fewer = raw if path is None else changed(raw, {path: MISSING})
        try:
            reading = reader.read(fewer)
            ours = count(variants, reading)
        except SymcountError:
            continue
        theirs = real_total(probe.cls, probe.config_class, fewer)
        if theirs is not None and ours != theirs:
            raw, said = fewer, f"{ours} and {theirs} at {json.dumps(fewer)}"
    return said


def _leaves(raw: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in raw.items():
        if isinstance(value, dict) and key.endswith("_config"):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _config(found: Measured, rng: random.Random, share: float) -> dict[str, Any]:  # noqa: PLR0912  # what may vary
    layout, probe = found.layout, found.probe
    key = rng.choice(list(found.derived))
    point = draw(found.derived[key], rng, share=share)
    raw = copy.deepcopy(probe.raw)
    labels = dict(zip(layout.switches, key.partition("!")[0].split(","), strict=False)) if layout.switches else {}
    values: dict[str, Any] = {}
    letters = {
        letter[1] for number in layout.states[key.partition("!")[0]] for letter in layout.formulas[number].letters
    }
    for path, value in point.items():
        stem, bracket, _ = path.partition("[")
        if bracket and not probe.left_out(path):
            default = probe.default(stem)
            if isinstance(default, list) and stem not in values:
                values[stem] = _nested(default, point, stem)
        elif probe.left_out(path):
            continue
        elif path in layout.numbers or rng.random() < 0.5:
            values[path] = value
            if path not in letters and rng.random() < 0.3:  # conditions that matter to no tensor were left out
                values[path] = rng.choice((value + 1, 2 * value, max(1, value // 2)))
    for path in list(values):
        number = layout.numbers.get(path)
        if number is not None and number.rule and rng.random() < 0.4:
            values.pop(path)
            if number.null and rng.random() < 0.3:
                values[path] = None
        elif probe.default(path) == values[path] and rng.random() < 0.5:
            values.pop(path)
        elif path.endswith("num_labels") and rng.random() < 0.5:
            section = path.rpartition("num_labels")[0]
            values[f"{section}id2label"] = {str(i): f"L{i}" for i in range(int(values.pop(path)))}
    for path, check_ in layout.checks.items():
        if path in labels:
            value = found.samples[path][int(labels[path])]
            if value is not MISSING and not (isinstance(value, int) and not isinstance(value, bool) and path in values):
                values[path] = value
        elif rng.random() < 0.5:
            options = [v for v in found.options(path) if v is not MISSING]
            if options and check_.accept and not (path in values and rng.random() < 0.5):
                values[path] = rng.choice(options)
    values = expanded(values, layout, rng)
    left = [s for s in layout.sections if s and rng.random() < 0.1 and not layout.sections[s].optional
            and all("" in kinds for p, kinds in layout.types.items() if p == s or p.startswith(f"{s}."))]  # fmt: skip
    for path, value in values.items():
        section, _, name = path.rpartition(".")
        if any(section == s or section.startswith(f"{s}.") for s in left):
            continue
        known = layout.sections.get(section)
        spelled = [a for a, k in known.aliases.items() if k == name] if known is not None else []
        if spelled and rng.random() < 0.3:
            name = rng.choice(spelled)
        raw = changed(raw, {f"{section}.{name}" if section else name: value})
    for section in left:
        raw = changed(raw, {section: MISSING})
    return raw


def _spelled_out(reader: Reader, raw: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """*raw*, sometimes with the numbers that its defaults stand for: the last layer by its number."""
    for path, number in reader.layout.numbers.items():
        if number.same and rng.random() < 0.5:
            raw = changed(raw, {path: reader.meant(path, reader.read(raw).values)})
    return raw


def _nested(default: Any, point: dict[str, Any], stem: str) -> Any:
    """The list *default* with the numbers of *point* in their places."""
    if isinstance(default, list | tuple):
        return [_nested(item, point, f"{stem}[{i}]") for i, item in enumerate(default)]
    return point.get(stem, default)
