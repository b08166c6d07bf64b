"""Numbers that a config class saves once for each layer: a list that has only one number in it says that number."""

from __future__ import annotations

from symcount.atlas.codes import MISSING
from symcount.atlas.record import Layout
from symcount.core.paths import path_of, split
from symcount.survey.schema.layer_rules import Rules, rules_of
from symcount.survey.schema.probe import Probe, changed, real_total

__all__ = ["with_repeated"]


def with_repeated(layout: Layout, probe: Probe) -> Layout:
    """*layout* that reads such a list where the model has as many parameters as with the number."""
    rules, numbers, sections = rules_of(probe), dict(layout.numbers), dict(layout.sections)
    for path, number in layout.numbers.items():
        usual = rules.value(path, {})
        if not isinstance(usual, list) or type(number.given) is not int or usual != [number.given] * len(usual):
            continue
        section, key, _ = split(path)
        depth = path_of(section, "num_hidden_layers")
        if depth not in layout.numbers or not _is_said(rules, probe, path, depth, number.given):
            continue
        numbers[path] = number.changed(each=depth)
        rest = {name: n for name, n in sections[section].lengths.items() if name != key}
        sections[section] = sections[section].changed(lengths=rest)
    return layout.changed(numbers=numbers, sections=sections)


def _is_said(rules: Rules, probe: Probe, path: str, depth: str, usual: int) -> bool:
    """Whether the list is made of the number, for each layer, and is the same model."""
    layers = rules.value(depth, {})
    if type(layers) is not int:
        return False
    for number, n in ((usual, layers), (2 * usual, layers), (usual // 2, 2 * layers), (usual, layers + 1)):
        made = rules.value(path, {path: number, depth: n})
        if made is MISSING or made != [number] * n:
            return False
        raws = [changed(probe.raw, {path: said, depth: n}) for said in (number, made)]
        totals = {real_total(probe.cls, probe.config_class, raw) for raw in raws}
        if len(totals) != 1 or None in totals:
            return False
    return True
