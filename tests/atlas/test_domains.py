"""No stored formula has less than no layers of a kind anywhere in its domain."""

import random
from contextlib import suppress

import pytest

from symcount.atlas.codes import identifiers
from symcount.atlas.compiled import compiled
from symcount.atlas.store import atlas
from symcount.atlas.variant import Variant
from symcount.errors import DomainError, UncoveredError

ATLAS = atlas()
NAMES = list(ATLAS.names) if ATLAS is not None else []
DRAWS = 60  # points of small numbers, for each formula with a difference in a number of layers


def repeats(trees, number):
    """The texts that say how often the blocks of a tree are repeated."""
    found, pending = {}, [trees["trees"][number]]
    while pending:
        block = trees["blocks"][pending.pop()]
        pending += block[3] if len(block) > 3 else []
        if len(block) > 4:
            found[trees["expressions"][block[4]]] = None
    return list(found)


def negative(layout, formula, trees, rng):
    """A point of the domain at which a block is repeated less than zero times; `None` if none is seen."""
    texts = [t for t in repeats(trees, formula.tree) if "-" in t]
    if not texts:
        return None
    variant = Variant(layout, formula)
    of_letter = dict(zip(variant.letters, variant.paths, strict=True))
    names = sorted(set().union(*map(identifiers, texts)) & of_letter.keys())
    times = compiled(texts, names)
    usual = {p: n.given if isinstance(n.given, int) and n.given > 0 else 4 for p, n in layout.numbers.items()}
    for _ in range(DRAWS):
        values = {**usual, **{of_letter[n]: rng.randint(0, rng.choice((3, 8, 20))) for n in names}}
        for path, number in layout.numbers.items():
            values[path] = max(values[path], number.minimum or 0)
        with suppress(DomainError, UncoveredError, ZeroDivisionError):
            variant.check(values)
            found = dict(zip(texts, times(*(values[of_letter[n]] for n in names)), strict=True))
            if any(v < 0 for v in found.values()):
                return found, {n: values[of_letter[n]] for n in names}
    return None


@pytest.mark.parametrize("part", range(8))
def test_no_number_of_layers_is_negative(part):
    found = {}
    for name in NAMES[part::8]:
        entry, trees, rng = ATLAS.find(name), ATLAS.trees(name), random.Random(name)
        for i, layout in enumerate(entry.layouts):
            for j, formula in enumerate(layout.formulas):
                if (seen := negative(layout, formula, trees, rng)) is not None:
                    found[name, i, j] = seen
    assert not found
