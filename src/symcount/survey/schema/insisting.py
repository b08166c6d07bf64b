"""What an older release of transformers insists on, or passes over, where a newer one's entry holds for it otherwise.

What the newer one makes of a sub-config that is left out, or that does not say its model type, the older one refuses,
or it makes the sub-config of keys of the config around it. A key that the newer one reads says nothing to the older
one. So each class is given such configs, and is built where the layout counts them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from symcount.atlas.record import Layout
from symcount.atlas.schema import Reader
from symcount.atlas.variant import Variant
from symcount.config.kind_lists import MARK
from symcount.core.paths import path_of, split, value_at
from symcount.errors import DerivationError, SymcountError
from symcount.survey.schema.around import handed_down
from symcount.survey.schema.check import count
from symcount.survey.schema.config_class import facts_of, parts, settable
from symcount.survey.schema.probe import INFRASTRUCTURE, Probe, changed, real_total
from symcount.survey.schema.samples import samples_of

__all__ = ["insisting"]

_SAID: Final = {"return_dict": True}  # of a sub-config, so that it is given but as it is anyway


def insisting(layout: Layout, cls: Any, configs: Any, activations: frozenset[str]) -> Layout:
    """*layout* without what only newer releases than the installed one build, and read."""
    return _unread(_handed(_silent(layout, cls, configs, activations), cls, configs), cls, configs, activations)


def _silent(layout: Layout, cls: Any, configs: Any, activations: frozenset[str]) -> Layout:
    """*layout* without the sub-configs that the release refuses, where it builds those that say more."""
    reader, variants = Reader(layout, activations), [Variant(layout, f) for f in layout.formulas]

    def refused(raw: dict[str, Any], complete: dict[str, Any]) -> bool:
        try:
            count(variants, reader.read(raw))
        except SymcountError:
            return False
        return real_total(cls, configs, raw) is None and real_total(cls, configs, complete) is not None

    sections = dict(layout.sections)
    usual = _model_types(layout, configs)
    base = _base(layout)
    outer = [path for path in usual if "." not in path and not sections[path].optional]
    complete = changed(base, {f"{path}.model_type": usual[path] for path in outer})
    if outer and refused(base, complete):
        base = complete
        for path in outer:
            sections[path] = sections[path].changed(optional="given")
    for path, section in sections.items():
        if (
            path not in usual
            or "" not in layout.types.get(path, ("",))
            or section.optional == "absent"
            or section.stated
        ):
            continue
        around = {f"{p}.model_type": usual[p] for p in usual if path.startswith(f"{p}.")}
        silent = changed(changed(base, around), {path: _SAID})
        if refused(silent, changed(silent, {f"{path}.model_type": usual[path]})):
            sections[path] = section.changed(stated=True)
    return layout.changed(sections=sections)


def _model_types(layout: Layout, configs: Any) -> dict[str, str]:
    """Dotted path of a sub-config -> the model type that it has."""
    known = {
        path: getattr(sub, "model_type", "") for path, sub in (getattr(configs, "sub_configs", None) or {}).items()
    }
    known.update((path, next(filter(None, admitted), "")) for path, admitted in layout.types.items())
    return {path: stated for path, stated in known.items() if stated and path in layout.sections}


def _base(layout: Layout) -> dict[str, Any]:
    """The config that says the model types that it must."""
    stated = {path: next(iter(admitted)) for path, admitted in layout.types.items() if "" not in admitted}
    return changed({}, {f"{path}.model_type": model_type for path, model_type in stated.items()})


def _handed(layout: Layout, cls: Any, configs: Any) -> Layout:
    """*layout* whose sub-configs take keys of the config around them where the release hands these down."""
    sections = dict(layout.sections)
    try:
        probe = Probe(cls, configs, _base(layout))
    except Exception:  # noqa: BLE001  # a config class raises whatever its validation raises
        return layout
    for path, section in sections.items():
        if not path or section.optional or section.flat or path not in probe.parts:
            continue
        try:
            handed = handed_down(probe, path)
        except DerivationError:
            handed = "unlike"
        if handed == "alike":
            sections[path] = section.changed(flat=True, null=False)  # null may hand them down as well
        elif handed:
            sections[path] = section.changed(optional="given")
    return layout.changed(sections=sections)


def _unread(layout: Layout, cls: Any, configs: Any, activations: frozenset[str]) -> Layout:
    """*layout* with the keys that the release passes over: the model is the same whatever they are."""
    reader, variants = Reader(layout, activations), [Variant(layout, f) for f in layout.formulas]
    base, sections = _base(layout), dict(layout.sections)
    try:
        found = parts(configs.from_dict(_base(layout)))
    except Exception:  # noqa: BLE001  # a config class raises whatever its validation raises
        return layout

    def ours(raw: dict[str, Any]) -> int | None:
        with suppress(SymcountError):
            return count(variants, reader.read(raw))
        return None

    for path, config in found.items():
        if path not in sections:
            continue
        unread = []
        for key in sorted(_measured(layout, path) - _known(config) - INFRASTRUCTURE):
            full = path_of(path, key)
            around = [changed(base, {path: {}} if path and not value_at(base, path) else {})]
            around += [changed(around[0], {full: value}) for value in _others(layout, path, key)]
            totals = [real_total(cls, configs, raw) for raw in around]
            counted = [ours(raw) for raw in around]
            if {*totals} == {counted[0]} != {*counted} and counted[0] is not None:
                unread.append(key)
        if unread:
            sections[path] = sections[path].changed(unread=unread)
    return layout.changed(sections=sections)


def _measured(layout: Layout, section: str) -> set[str]:
    """The keys of a section of which a layout knows what they mean, spellings among them."""
    paths = [split(path) for path in (*layout.numbers, *layout.checks) if MARK not in path]
    return {key for own, key, index in paths if own == section and not index} | layout.sections[section].aliases.keys()


def _known(config: Any) -> set[str]:
    """The keys that the config class of the release knows."""
    facts = facts_of(config)
    return {*facts.types, *facts.aliases, *facts.consumed, *settable(facts.cls)}


def _others(layout: Layout, section: str, key: str) -> list[Any]:
    """Values of a key that are not its default."""
    path = path_of(section, layout.sections[section].aliases.get(key, key))
    number, check = layout.numbers.get(path), layout.checks.get(path)
    if number is not None:
        usual = number.given if isinstance(number.given, int) and number.given > 0 else 8
        return [2 * usual, 3 * usual]
    plain = (
        [v for _, v in samples_of(check) if v is None or isinstance(v, bool | int | str)] if check is not None else []
    )
    return [v for v in plain if check is not None and v != check.given]
