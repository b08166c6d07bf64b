"""Values that were never tried, but answer all recorded questions as a measured one."""

import copy
import random

import pytest

from symcount.atlas.counting import Counter, counter
from symcount.atlas.questions import alike
from symcount.atlas.store import Atlas, default_path
from symcount.core.paths import value_at, with_value
from symcount.errors import SymcountError

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")

ROPE = {"rope_type": "default", "rope_theta": 10000.0}
ASKED = [[[], "has", "rope_type"], [["rope_type"], "equals", "default"], [["rope_theta"], "number", None]]
ANSWERS = [
    ({"rope_type": "default", "rope_theta": 5e6}, True),
    ({"rope_type": "default", "rope_theta": 1, "factor": 8.0}, True),
    ({"rope_type": "default", "rope_theta": 0.0}, False),
    ({"rope_type": "default", "rope_theta": True}, False),
    ({"rope_type": "default"}, False),
    ({"rope_type": "linear", "rope_theta": 10000.0}, False),
    ([["rope_type", "default"]], False),
    (None, False),
]


@pytest.mark.parametrize(("value", "same"), ANSWERS)
def test_the_same_answers_are_the_same_path(value, same):
    assert alike(ROPE, ASKED, value) is same


def varied(value, rng):
    """A value a little different: other words and numbers, keys that are not there or more."""
    if isinstance(value, dict):
        made = {k: varied(v, rng) if rng.random() < 0.6 else v for k, v in value.items() if rng.random() < 0.9}
        return {**made, **({"comment": "none"} if rng.random() < 0.3 else {})}
    if type(value) in (int, float):
        return value * rng.choice([2, 3, 10]) + rng.choice([0, 1])
    return rng.choice([value, f"{value}x", "default", "linear", ""]) if isinstance(value, str) else value


NAMES = counter().atlas.names if default_path().is_file() else []
CHOSEN = {
    *random.Random(5).sample(NAMES, min(6, len(NAMES))),
    "LlamaForCausalLM",
    "Gemma3Model",
    "DeepseekV3ForCausalLM",
}


@pytest.mark.parametrize("name", [n if n in CHOSEN else pytest.param(n, marks=pytest.mark.slow) for n in NAMES])
def test_what_is_admitted_has_the_tensors_of_the_measured_value(name):
    pytest.importorskip("torch")
    from symcount.derivation.resolve import model_class
    from symcount.survey.schema.probe import real_total
    from symcount.verification.real_model import config_class

    rng, entry = random.Random(name), counter().atlas.find(name)
    if entry is None or not all("" in kinds for kinds in entry.layouts[0].types.values()):
        return
    cls = model_class(name)
    configs = config_class(cls, entry.model_type)
    for path, check in entry.layouts[0].checks.items():
        for start, _ in check.paths * 4:
            fields = with_value({}, path, varied(copy.deepcopy(start), rng))
            try:
                said = {"model_type": entry.model_type, "architectures": [name]}
                counted = counter().count({**fields, **said})[1]["unique"]
            except SymcountError:
                continue
            assert real_total(cls, configs, fields) in (None, counted), value_at(fields, path)


def test_an_atlas_is_extended_in_place_and_goes_on_where_it_stopped(tmp_path):
    pytest.importorskip("torch")
    from symcount.cli import run
    from symcount.survey.build import assemble, rows_of

    source, path = Atlas(default_path()), tmp_path / "atlas.bin"  # of the newest release, which has the row
    (row,) = (row for row in rows_of(source, "cohere") if row["class"] == "CohereModel")
    for layout in row["layouts"]:
        for check in layout["checks"].values():
            check.pop("paths", None)
    assemble([row], path, source.activations, {"cohere": "CohereModel"})
    rope = {"rope_type": "default", "rope_theta": 3.0, "comment": "any"}
    fields = {"architectures": ["CohereModel"], "model_type": "cohere", "rope_parameters": rope}
    assert run(["atlas", "extend", "--output", str(path)]) == 0
    extended = path.read_bytes()
    assert Counter(Atlas(path)).count(fields)[1] == Counter(source).count({**fields, "rope_parameters": ROPE})[1]
    (journal,) = tmp_path.glob("atlas.bin.extended-*.jsonl")  # of this release of transformers
    assert len(journal.read_text().splitlines()) == 1
    assert run(["atlas", "extend", "--output", str(path)]) == 0  # what is extended stays as it is
    assert path.read_bytes() == extended


def test_a_layout_is_for_one_kind_of_each_sub_config():
    """That which is made of a sub-config that is left out is another kind only where it may be left out."""
    several = [
        (name, path, types)
        for _, entries, _ in Atlas(default_path()).families()
        for name, entry in entries.items()
        for layout in entry["layouts"]
        for path, types in layout.get("types", {}).items()
        if len(types) - ("" in types) > 1
    ]
    assert several == []
