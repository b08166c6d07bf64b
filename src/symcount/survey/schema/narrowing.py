"""Values that a layout would admit unasked although the tensors are others: their keys get a check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symcount.atlas.codes import MISSING, code
from symcount.atlas.record import Check, Layout
from symcount.core.paths import path_of, section_of, split, value_at
from symcount.survey.schema.probe import Probe, changed, real_total
from symcount.survey.schema.samples import samples_of
from symcount.survey.schema.saved import made
from symcount.survey.schema.work import key_of

__all__ = ["narrowed", "told_together"]

_FUNCTIONS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", "tanh")


def narrowed(layout: Layout, probe: Probe) -> Layout:
    """*layout* with checks of eight kinds of values that it would admit although the model is another one or none.

    A number that no formula has may be a list as well (`vision_feature_layer` of LLaVA), whose length is a factor then.
    A list that the base config gives may be left out. A sub-config that the base config leaves out may have other
    defaults where it is given (the stages of a backbone). And a list that had no influence beside a number may be what
    that number is computed from where it is left out (the positions of an image). And an object of any keys may have
    one that names a function, of which there is a table. And a flag may be read from a copy of the sub-config that has
    it, unseen (`use_absolute_embeddings` of a backbone). And a key that the base config gives, and no class declares,
    is what the code makes of its absence where it is left out (`norm_rel_ebd` of DeBERTa). And flags that have no
    influence alone may have one together (`tie_word_embeddings` of a config and of its text config).
    """
    own = real_total(probe.cls, probe.config_class, probe.raw)
    checks = dict(layout.checks)
    checks |= dict(_lists(layout, probe, own))
    checks |= dict(_required(layout, probe, own))
    checks |= dict(_given(layout, probe))
    checks |= dict(_computing(layout, probe, own))
    checks |= dict(_naming(layout, probe, own))
    checks |= dict(_unseen(layout, probe))
    checks |= dict(_undeclared(layout.changed(checks=checks), probe, own))
    return told_together(layout.changed(checks=checks), probe)


def told_together(layout: Layout, probe: Probe) -> Layout:
    """*layout* without the other values of flags that have an influence together, though none alone."""
    own = real_total(probe.cls, probe.config_class, probe.raw)
    return layout.changed(checks={**layout.checks, **dict(_together(layout, probe, own))})


def _lists(layout: Layout, probe: Probe, own: int | None) -> Iterator[tuple[str, Check]]:
    """The checks of numbers, of no formula, in whose place a list brings other tensors along."""
    for path, kinds in _unasked(layout, probe):
        number = probe.default(path)
        if type(number) is not int:
            continue
        one, *others = (_total(probe, path, value) for value in ([number], [number, number], []))
        if {one, *others} - {own, None}:
            accept = {"#": 0, **({"null": 0} if "n" in kinds else {}), **({"numbers 1": 0} if one == own else {})}
            yield path, Check(number, None, accept)


def _required(layout: Layout, probe: Probe, own: int | None) -> Iterator[tuple[str, Check]]:
    """The checks of lists that the base config gives, and without which it is another model or none."""
    for path, _ in _unasked(layout, probe):
        value = probe.default(path)
        if path in probe.required and isinstance(value, list) and _total(probe, path, MISSING) != own:
            said = code(value)
            yield path, Check(None, None, {said if said.startswith("numbers") else key_of(value): 0})


def _given(layout: Layout, probe: Probe) -> Iterator[tuple[str, Check]]:
    """The checks of keys that have another value where their sub-config is left out than where it does not say them."""
    for path, check in layout.checks.items():
        section = section_of(path)
        if not section or "absent" not in check.accept or value_at(probe.raw, section, MISSING) is not MISSING:
            continue
        kind = {"model_type": made(probe, {}, f"{section}.model_type")}
        left, given = made(probe, {}, path), made(probe, {section: kind}, path)
        if not layout.sections[section].optional and MISSING not in (left, given) and left != given:
            accept = {key: label for key, label in check.accept.items() if key != "absent"}
            yield path, check.changed(absent=left, accept={key_of(left): check.accept["absent"], **accept})


def _computing(layout: Layout, probe: Probe, own: int | None) -> Iterator[tuple[str, Check]]:
    """The checks of lists, of any numbers, from which the config computes a number that a file leaves out."""
    for path, check in layout.checks.items() if any(number.rule for number in layout.numbers.values()) else ():
        codes = [key for key, label in check.accept.items() if key.startswith("numbers") and not label]
        lists = [[4] * int(key.partition(" ")[2] or 2) for key in codes if "[" not in path]
        if any(_total(probe, path, value) not in (None, own) for value in lists):
            yield path, check.changed(accept={k: n for k, n in check.accept.items() if k not in codes})


def _naming(layout: Layout, probe: Probe, own: int | None) -> Iterator[tuple[str, Check]]:
    """The checks of objects in which a text is looked up in a table: they admit the texts that were tried."""
    for path, check in layout.checks.items():
        usual = made(probe, {}, path) if "dict" in check.accept else None
        value: dict[str, Any] = usual if isinstance(usual, dict) else {}
        for key, text in value.items():
            if isinstance(text, str) and _total(probe, path, {**value, key: f"{text}x"}) is None:
                tried = [value, *({**value, key: word} for word in _FUNCTIONS)]
                accept = {k: n for k, n in check.accept.items() if k != "dict"}
                accept |= {key_of(v): 0 for v in tried if _total(probe, path, v) == own}
                yield path, check.changed(accept=accept)


def _undeclared(layout: Layout, probe: Probe, own: int | None) -> Iterator[tuple[str, Check]]:
    """The checks of keys that the base config gives, and no class declares, without which it is another model."""
    for path in sorted(probe.required & layout.checks.keys()):
        check = layout.checks[path]
        if check.accept.get("absent") != 0 or probe.declared(path) is not None:
            continue
        left = _total(probe, path, MISSING)
        if left == own:
            continue
        same = [label for label, value in samples_of(check) if label and left == _total(probe, path, value) is not None]
        accept = {said: label for said, label in check.accept.items() if said != "absent"}
        yield path, check.changed(accept={**accept, "absent": same[0]} if same else accept)


def _together(layout: Layout, probe: Probe, own: int | None) -> Iterator[tuple[str, Check]]:
    """The checks of flags that have an influence beside the other ones without influence that come before them."""
    flipped: dict[str, bool] = {}
    for path, check in layout.checks.items():
        value = check.given
        if type(value) is not bool or path in layout.switches or check.accept.get(key_of(not value)) != 0:
            continue
        total = _totals(probe, {**flipped, path: not value})
        if total == own:
            flipped[path] = not value
        elif total is not None:  # beside one with which there is no model nothing would be seen of the others
            yield path, check.changed(accept={k: n for k, n in check.accept.items() if k != key_of(not value)})


def _unseen(layout: Layout, probe: Probe) -> Iterator[tuple[str, Check]]:
    """The checks of flags of which the layout asks nothing, and that have other tensors."""
    for section, rules in layout.sections.items():
        left = bool(section) and value_at(probe.raw, section, MISSING) is MISSING
        kind = {f"{section}.model_type": made(probe, {}, f"{section}.model_type")} if left else {}
        if MISSING in kind.values():
            continue
        flags: dict[str, bool] = {}
        for key, kinds in rules.types.items():
            path = path_of(section, key)
            asked = path in layout.checks or path in layout.numbers or key in (*rules.refused, *rules.closed)
            value = MISSING if asked or "b" not in kinds or probe.ignored(path) else made(probe, kind, path)
            if isinstance(value, bool):
                flags[path] = value
        usual = _totals(probe, kind)
        if not flags or usual is None or _totals(probe, {**kind, **{p: not x for p, x in flags.items()}}) == usual:
            continue
        for path, value in flags.items():
            if _totals(probe, {**kind, path: not value}) not in (usual, None):
                without = made(probe, {section: MISSING}, path) if section else value
                yield path, Check(value, without if without is (not value) else None, {key_of(value): 0})


def _totals(probe: Probe, changes: dict[str, Any]) -> int | None:
    return real_total(probe.cls, probe.config_class, changed(probe.raw, changes))


def _unasked(layout: Layout, probe: Probe) -> Iterator[tuple[str, str]]:
    """The keys that may be lists, of which the layout asks nothing but that, each with the kinds of its values."""
    known = {path_of(*split(path)[:2]) for path in (*layout.numbers, *layout.checks)}
    for section, rules in layout.sections.items():
        for key, kinds in rules.types.items():
            path = path_of(section, key)
            if "l" in kinds and path not in known and key not in rules.refused and probe.declared(path) is not None:
                yield path, kinds


def _total(probe: Probe, path: str, value: object) -> int | None:
    """The number of parameters of the base config's model with *value* at *path*."""
    return real_total(probe.cls, probe.config_class, changed(probe.raw, {path: value}))
