"""What a layout admits beyond the values that were tried: rules of what the config computes, and paths of values.

This needs no formula to be derived, so that the layouts of an atlas can be extended as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from symcount.atlas.record import Entry, Layout
from symcount.atlas.schema import Reader
from symcount.atlas.variant import Variant
from symcount.errors import SymcountError
from symcount.survey import journal as journals
from symcount.survey.schema.around import defaults_around
from symcount.survey.schema.bases import Base, bases, left_out
from symcount.survey.schema.check import count
from symcount.survey.schema.gate import disagreements
from symcount.survey.schema.insisting import insisting
from symcount.survey.schema.layer_rules import with_rules
from symcount.survey.schema.narrowing import narrowed
from symcount.survey.schema.path_conditions import with_paths
from symcount.survey.schema.probe import Probe, real_total
from symcount.survey.schema.refusals import refusing
from symcount.survey.schema.saved import accept_saved, with_meaning
from symcount.survey.schema.widening import widened

__all__ = ["extend", "extended", "extensions", "insisted"]


def extend(layout: Layout, cls: Any, configs: Any, base: Base, activations: frozenset[str], said: list[str]) -> Layout:
    """*layout*, which was measured around *base*, with rules and path conditions, and with checks that it lacked.

    What makes it wrong for a file that the config class saves is left out, and the reason is *said*.
    """
    probe = Probe(cls, configs, base.raw, base.required, base.absent)
    defaults_around(probe)
    every = layout = refusing(narrowed(layout, probe), probe, activations)
    steps: list[Callable[[Layout], Layout]] = [
        lambda one: with_meaning(one, probe),
        lambda one: with_rules(one, probe),
        lambda one: with_paths(one, probe, said),
        lambda one: accept_saved(one, probe, activations),
        lambda one: widened(one, probe, activations),
    ]
    for step in steps:
        every = step(every)
    if next(disagreements(every, probe, activations), None) is None:
        return every
    found = layout  # which of them is wrong?
    for step in steps:
        more = step(found)
        if (wrong := next(disagreements(more, probe, activations), None)) is None:
            found = more
        else:
            said.append(wrong)
    return found


def extended(entry: Entry, activations: frozenset[str]) -> tuple[list[Layout], list[str]]:
    """The layouts of an entry, extended; and what was dropped."""
    from symcount.derivation.resolve import model_class
    from symcount.verification.real_model import config_class

    cls: Any = model_class(entry.name)
    configs: Any = config_class(cls, entry.model_type)
    known, found, said = [*_bases(cls, configs)], [], []
    for layout in entry.layouts:
        base = next((b for b in known if _is_of(layout, b, cls, configs, activations)), None)
        if base is None:
            said.append("a layout whose base is not found")
            found.append(layout)
            continue
        known.remove(base)
        found.append(extend(layout, cls, configs, base, activations, said))
    return found, said


def insisted(entry: Entry, activations: frozenset[str]) -> tuple[list[Layout], list[str]]:
    """The layouts of an entry without the sub-configs that the installed release refuses; and nothing to say."""
    from symcount.derivation.resolve import model_class
    from symcount.verification.real_model import config_class

    cls: Any = model_class(entry.name, entry.model_type)
    configs: Any = config_class(cls, entry.model_type)
    return [insisting(layout, cls, configs, activations) for layout in entry.layouts], []


def extensions(
    rows: Iterable[Mapping[str, Any]],
    journal: Path,
    change: Callable[[Entry, frozenset[str]], tuple[list[Layout], list[str]]],
    activations: frozenset[str],
) -> Iterator[dict[str, Any]]:
    """Entries as a *change* makes them, each with the row *before*.

    Each is a line of the *journal* as soon as it is known, so that what was interrupted goes on where it stopped.

    Args:
        rows: of the entries.
        journal: of this change, and of the same release of transformers.
        change: `extended` or `insisted`.
        activations: names of activation functions without parameters.

    Raises:
        ConfigError: the journal cannot be read or written, or is something else.
    """
    known = {row["key"]: row for row in journals.read(journal, _extension, "extended entries")}
    for row in rows:
        key = hashlib.sha256(json.dumps([row["class"], row["model_type"], row["layouts"]]).encode()).hexdigest()
        if key not in known:
            entry = Entry.from_json({"name": row["class"], "model_type": row["model_type"], "layouts": row["layouts"]})
            try:
                layouts, notes = change(entry, activations)
                known[key] = {"key": key, "layouts": [layout.to_json() for layout in layouts], "notes": notes}
            except Exception as error:  # noqa: BLE001  # whatever transformers raises, the entry stays as it is
                known[key] = {"key": key, "layouts": row["layouts"], "notes": [repr(error)[:300]]}
            journals.append(journal, known[key])
        yield {**row, **known[key], "before": row}


def _extension(row: Any) -> dict[str, Any]:
    return {"key": str(row["key"]), "layouts": list(row["layouts"]), "notes": list(row["notes"])}


def _bases(cls: Any, configs: Any) -> Iterator[Base]:
    for number, base in enumerate(bases(cls, configs)):
        yield base
        if not number and not base.absent and (other := left_out(cls, configs, base)) is not None:
            yield other


def _is_of(layout: Layout, base: Base, cls: Any, configs: Any, activations: frozenset[str]) -> bool:
    """Whether a layout was measured around *base*: it has its sub-configs, and counts it."""
    absent = {path.partition(".")[0] for path, section in layout.sections.items() if section.optional == "absent"}
    types = {path: [""] if path.partition(".")[0] in absent else kinds for path, kinds in layout.types.items()}
    if base.types not in (types, layout.types) or absent != base.absent:  # one left out may be described all the same
        return False
    try:
        ours = count([Variant(layout, f) for f in layout.formulas], Reader(layout, activations).read(base.raw))
    except SymcountError:
        return False
    return ours == real_total(cls, configs, base.raw)
