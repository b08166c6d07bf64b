"""What a layout admits beyond the values that were tried: rules of what the config computes, and paths of values.

Nothing is varied anew, so that the layouts of an atlas can be extended as they are; of flags that were not reached
and of numbers beyond the domain alone a formula is derived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from symcount.atlas.record import Entry, Layout
from symcount.atlas.schema import Reader
from symcount.atlas.variant import Variant
from symcount.errors import SymcountError
from symcount.survey.schema.around import defaults_around
from symcount.survey.schema.bases import Base, bases, left_out
from symcount.survey.schema.branches import with_branches
from symcount.survey.schema.check import count, counted, with_given_sections
from symcount.survey.schema.confirming import confirmed
from symcount.survey.schema.flags import with_flags
from symcount.survey.schema.gate import disagreements
from symcount.survey.schema.given_numbers import with_given_numbers
from symcount.survey.schema.insisting import insisting
from symcount.survey.schema.layer_rules import with_rules
from symcount.survey.schema.narrowing import narrowed
from symcount.survey.schema.overruling import with_overruling
from symcount.survey.schema.path_conditions import with_paths
from symcount.survey.schema.probe import Probe, real_total
from symcount.survey.schema.refusals import refusing
from symcount.survey.schema.renewing import renewed
from symcount.survey.schema.repeated import with_repeated
from symcount.survey.schema.saved import accept_saved, with_admitted, with_meaning
from symcount.survey.schema.widening import widened
from symcount.survey.schema.written import layouts_of_the_written, written_bases, written_file

__all__ = ["extend", "extended", "flagged", "insisted"]


def extend(
    layout: Layout, cls: Any, configs: Any, base: Base, activations: frozenset[str], said: list[str], trees: int
) -> tuple[Layout, list[list[Any]]]:
    """*layout*, which was measured around *base*, with rules and path conditions, and with checks that it lacked.

    What makes it wrong for a file that the config class saves is left out, and the reason is *said*.

    Returns:
        The layout, and the trees of the formulas that it has beyond those that it had, numbered from *trees* on.
    """
    probe = Probe(cls, configs, base.raw, base.required, base.absent)
    defaults_around(probe)
    layout = refusing(narrowed(layout, probe), probe, activations)
    more: list[list[Any]] = []
    for supplied in (renewed, with_given_numbers, with_flags):
        wider, own = supplied(layout, probe, activations, trees + len(more))
        if (wrong := next(disagreements(wider, probe, activations), None)) is not None:
            said.append(wrong)
        else:
            layout, more = wider, [*more, *own]
    every = layout
    steps: list[Callable[[Layout], Layout]] = [
        lambda one: with_admitted(with_meaning(one, probe), probe),
        lambda one: with_overruling(one, probe, activations),
        lambda one: with_repeated(with_rules(one, probe), probe),
        lambda one: with_paths(one, probe, said),
        lambda one: accept_saved(one, probe, activations),
        lambda one: widened(one, probe, activations),
        lambda one: with_given_sections(one, probe, activations),  # what was refused there for another reason
    ]
    for step in steps:
        every = step(every)
    found = every
    if next(disagreements(every, probe, activations), None) is not None:
        found = layout  # which of them is wrong?
        for step in steps:
            wider = step(found)
            if (wrong := next(disagreements(wider, probe, activations), None)) is None:
                found = wider
            else:
                said.append(wrong)
    branched, others = with_branches(found, probe, activations, trees + len(more))
    if not others:
        return confirmed(found, probe, activations), more
    if (wrong := next(disagreements(branched, probe, activations), None)) is not None:
        said.append(wrong)
        return confirmed(found, probe, activations), more
    return confirmed(branched, probe, activations), [*more, *others]


def flagged(
    layout: Layout, cls: Any, configs: Any, base: Base, activations: frozenset[str], said: list[str], trees: int
) -> tuple[Layout, list[list[Any]]]:
    """*layout* with flags that were not reached, and with nothing else; see `extend`."""
    probe = Probe(cls, configs, base.raw, base.required, base.absent)
    defaults_around(probe)
    wider, more = with_flags(layout, probe, activations, trees)
    if (wrong := next(disagreements(wider, probe, activations), None)) is not None:
        said.append(wrong)
        return layout, []
    return confirmed(wider, probe, activations), more


def extended(
    entry: Entry, activations: frozenset[str], trees: int, *, flags: bool = False
) -> tuple[list[Layout], list[str], list[list[Any]]]:
    """The layouts of an entry, extended; what was dropped; and further trees, which are numbered from *trees* on.

    Args:
        entry: as it is stored.
        activations: names of activation functions without parameters.
        trees: how many it has.
        flags: whether only flags are looked at, which takes half of the time.
    """
    from symcount.derivation.resolve import model_class
    from symcount.verification.real_model import config_class

    cls: Any = model_class(entry.name)
    configs: Any = config_class(cls, entry.model_type)
    further = flagged if flags else extend
    known, found, said, more = [*_bases(cls, configs, entry.layouts)], list[Layout](), list[str](), list[list[Any]]()
    first = known[0] if known else None
    for layout in entry.layouts:
        base = next((b for b in known if _is_of(layout, b, cls, configs, activations)), None)
        if base is None:
            said.append("a layout whose base is not found")
            found.append(layout)
            continue
        known.remove(base)
        wider, own = further(layout, cls, configs, base, activations, said, trees + len(more))
        found.append(wider)
        more += own
    if first is not None and not flags:
        file = written_file(cls, configs, first)
        for layout, base, own in layouts_of_the_written(cls, configs, first, found, activations):
            placed = layout.changed(formulas=[f.changed(tree=f.tree + trees + len(more)) for f in layout.formulas])
            number = trees + len(more) + len(own)
            wider, others = extend(placed, cls, configs, base, activations, said, number)
            if counted(wider, activations, file) == real_total(cls, configs, file):
                found.append(wider)
                more += [*own, *others]
                break
    return found, said, more


def insisted(
    entry: Entry,
    activations: frozenset[str],
    trees: int,  # noqa: ARG001  # as `extended` has it
) -> tuple[list[Layout], list[str], list[list[Any]]]:
    """The layouts of an entry without what only newer releases than the installed one build, and read."""
    from symcount.derivation.resolve import model_class
    from symcount.verification.real_model import config_class

    cls: Any = model_class(entry.name, entry.model_type)
    configs: Any = config_class(cls, entry.model_type)
    return [insisting(layout, cls, configs, activations) for layout in entry.layouts], [], []


def _bases(cls: Any, configs: Any, layouts: Sequence[Layout]) -> Iterator[Base]:
    """The bases from which these *layouts* may have been measured."""
    several = [*bases(cls, configs)]
    yield from several
    for base in several[:1]:
        if not base.absent and (other := left_out(cls, configs, base)) is not None:
            yield other
        yield from written_bases(cls, configs, base, layouts[0])
        if not base.required:  # sub-configs that are left out, of a class that reads them in part as well
            yield Base({}, base.types)


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
