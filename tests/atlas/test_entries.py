"""What the atlas says, compared with what is derived now; and every entry is what it should be."""

import random

import pytest

from sampling import sampled
from symcount.atlas.counting import Counter
from symcount.atlas.formula import find
from symcount.atlas.record import Entry
from symcount.atlas.store import Atlas, default_path
from symcount.atlas.variant import CONVENTIONS
from symcount.config.releases import installed
from symcount.errors import SymcountError
from symcount.exact.evaluate import compile_scalar

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")

ATLAS = Atlas(default_path()) if default_path().is_file() else None
NAMES = ATLAS.names if ATLAS is not None else []
SAMPLE = ["BertForMaskedLM", "GPT2LMHeadModel", "MistralForCausalLM", "CLIPModel", "ViTForImageClassification"]


@pytest.mark.parametrize("name", sampled(NAMES, kept=SAMPLE))
def test_an_entry_is_what_is_derived_now(name):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from symcount.survey.examine import examine
    from symcount.survey.schema.work import EFFORT

    view = ATLAS.at(installed())
    entry = view.find(name)
    if entry is None or installed() not in ATLAS.releases:
        compare_defaults(view, name)
        return
    row = examine(name, entry.model_type, entry.base, effort=entry.effort or EFFORT)
    assert "reason" not in row
    compared = 0
    for stored, now in zip((x.to_json() for x in entry.layouts), row["layouts"], strict=False):
        assert stored.get("numbers") == now.get("numbers")
        assert stored.get("switches") == now.get("switches")
        for state in stored["states"].keys() & now["states"].keys():
            one, other = (x["formulas"][x["states"][state][0]] for x in (stored, now))
            assert one["totals"] == other["totals"]
            # an entry that was built before may say less: with more conditions, and letters that only these have
            letters, known = (list(map(meant, x["letters"])) for x in (other, one))
            assert [letter for letter in known if letter in letters] == letters
            assert {str(c) for c in other.get("domain") or ()} <= {str(c) for c in one.get("domain") or ()}
            compared += 1
    assert compared


def compare_defaults(view, name):
    """Of a class that the installed transformers does not have, there is nothing to compare; of another, the default.

    What a release that is not stored has otherwise is told where a config is counted; here it must be nothing.
    """
    import transformers

    from symcount.survey.schema.probe import real_total

    cls, entry = getattr(transformers, name, None), view.find(name)
    if cls is None or entry is None:
        assert cls is None or entry is None
        return
    counted = Counter(view).count({"architectures": [name], "model_type": entry.model_type})[1]["unique"]
    assert counted == real_total(cls, cls.config_class, {}) or view.differing(name, entry.model_type)


def meant(letter):
    """What a letter stands for: how it is typeset is decided when it is shown, not when the entry is built."""
    name, field, _, _, minimum, _, rational = letter
    return name, field, minimum, rational


@pytest.mark.parametrize("name", sampled(NAMES, kept=random.Random(0).sample(NAMES, min(25, len(NAMES)))))
def test_tree_and_stored_totals_agree(name):
    """The totals are stored beside the tree, which a count does not read: they are the tree's, in every convention."""
    try:
        formula = find(name)
    except SymcountError as error:
        pytest.skip(str(error))
    counter = Counter(ATLAS.at(installed() or ATLAS.release))
    entry = counter.atlas.find(name)
    if entry is None:
        pytest.skip(f"transformers {installed()} has no {name}")
    layout, reading, _ = counter.read(entry, {"model_type": entry.model_type})
    stored = counter.settled(layout, reading).count(reading.values)
    at = {e.letter: reading.values[e.field] for e in formula.notation}
    for convention in CONVENTIONS:
        assert compile_scalar(formula.total_as(convention))(at) == stored[convention]
    assert formula.latex()
    assert sum(part.count(at) for part in formula.breakdown(2)) == stored["unique"]


def test_every_entry_was_checked():
    every = [ATLAS.find(name, model_type) for name in NAMES for model_type in ATLAS.model_types(name)]
    for release in ATLAS.releases[:-1]:  # what older ones have otherwise
        every += [Entry.from_json(x) for _, family, _ in ATLAS.at(release).families() for x in family.values()]
    for name, layouts in ((entry.name, entry.layouts) for entry in every):
        for layout in layouts:
            assert layout.formulas, name
            assert {n for numbers in layout.states.values() for n in numbers} <= set(range(len(layout.formulas)))
            assert layout.formulas[0].points >= 8, name  # the others are of its variants
            assert all(formula.points >= 4 for formula in layout.formulas), name


def test_lists_of_layers_are_in_the_formulas():
    """A formula that answers for any list of kinds of layers has the number of each kind, or says the one it holds for.

    What no formula has at all is no number of the layout, and a config with such a list is refused.
    """
    for name in NAMES:
        for layout in ATLAS.find(name).layouts:
            for path, check in layout.checks.items():
                for key, numbers in layout.states.items():
                    label = int(key.split(",")[layout.switches.index(path)]) if path in layout.switches else 0
                    if not label or label != check.accept.get("arranged"):
                        continue
                    for kind in {f"{path}#{kind}" for kind in check.arranged["kinds"].values()}:
                        if kind not in layout.numbers:
                            continue
                        short = layout.numbers[kind].name
                        for formula in (layout.formulas[n] for n in numbers):
                            held = any(relation == "==" and short in sides for relation, *sides in formula.asked)
                            fields = {letter[1] for letter in formula.letters}
                            lists = {x.partition("#")[0] for x in fields if "#" in x} - {path}
                            overruled = any(x.rpartition(".")[0] == path.rpartition(".")[0] for x in lists)
                            assert held or overruled or kind in fields, (name, kind)


def test_the_file_is_small():
    assert default_path().stat().st_size < 5_000_000
