"""What a release of transformers insists on of sub-configs: that they are given, and that they say their model type.

Releases differ in that where they differ in nothing else: what one makes of a sub-config that is left out, or that does
not say what it is, an older one refuses. The entry of the newer one is right but for that. So each class is given such
configs, and is built where the layout counts them.
"""

from __future__ import annotations

from typing import Any, Final

from symcount.atlas.record import Layout
from symcount.atlas.schema import Reader
from symcount.atlas.variant import Variant
from symcount.errors import SymcountError
from symcount.survey.schema.check import count
from symcount.survey.schema.probe import changed, real_total

__all__ = ["insisting"]

_SAID: Final = {"return_dict": True}  # of a sub-config, so that it is given but as it is anyway


def insisting(layout: Layout, cls: Any, configs: Any, activations: frozenset[str]) -> Layout:
    """*layout* without the sub-configs that the installed release refuses, where it builds those that say more."""
    reader, variants = Reader(layout, activations), [Variant(layout, f) for f in layout.formulas]

    def refused(raw: dict[str, Any], complete: dict[str, Any]) -> bool:
        try:
            count(variants, reader.read(raw))
        except SymcountError:
            return False
        return real_total(cls, configs, raw) is None and real_total(cls, configs, complete) is not None

    sections = dict(layout.sections)
    usual = _model_types(layout, configs)
    base = changed({}, {f"{p}.model_type": usual[p] for p, admitted in layout.types.items() if "" not in admitted})
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
