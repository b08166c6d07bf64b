"""Lists that say of which kind each layer is: any order of them is counted as the real model has it, or refused."""

import random

import pytest

from symcount.atlas.counting import counter
from symcount.atlas.variant import CONVENTIONS
from symcount.errors import UncoveredError

pytest.importorskip("torch")
pytest.importorskip("transformers")

#: class, model type, key, its words, other keys. The sizes are small, so that the real models are.
LAYERS = 7
CASES = {
    "Lfm2MoeForCausalLM": ("lfm2_moe", "layer_types", ["conv", "full_attention"], {}),
    "Lfm2ForCausalLM": ("lfm2", "layer_types", ["conv", "full_attention"], {}),
    "ZambaForCausalLM": ("zamba", "layers_block_type", ["hybrid", "mamba", "linear_attention"], {}),
    "Zamba2ForCausalLM": ("zamba2", "layers_block_type", ["hybrid", "mamba"], {}),
    "GraniteMoeHybridForCausalLM": ("granitemoehybrid", "layer_types", ["mamba", "attention", "full_attention"], {}),
    "BambaForCausalLM": ("bamba", "attn_layer_indices", None, {}),
}


def config(name, listed, **more):
    model_type, key, _, other = CASES[name]
    said = {"architectures": [name], "model_type": model_type, "num_hidden_layers": LAYERS}
    return {**said, key: listed, **other, **more}


def drawn(name, rng):
    """A random list, with one layer of each kind at least."""
    words = CASES[name][2]
    if words is None:
        return sorted(rng.sample(range(LAYERS), rng.randint(1, LAYERS - 1)))
    listed = words + rng.choices(words, k=LAYERS - len(words))
    rng.shuffle(listed)
    return listed


def real_number(name, fields):
    """What transformers builds, `None` where it refuses."""
    from symcount.derivation.resolve import model_class
    from symcount.survey.schema.probe import real_total

    return real_total(model_class(name), model_class(name).config_class, fields)


def number(fields):
    """What the shipped atlas counts, `None` where it refuses."""
    try:
        return counter().count(fields)[1]["unique"]
    except UncoveredError:
        return None


@pytest.mark.parametrize("name", CASES)
def test_the_shipped_atlas_counts_any_order_or_refuses_it(name):
    rng, counted = random.Random(name), 0
    for _ in range(8):
        fields = config(name, drawn(name, rng))
        said, real = number(fields), real_number(name, fields)
        assert None in (said, real) or said == real, fields
        counted += said is not None and said == real
    assert counted


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_any_order_is_counted_as_the_real_model_has_it(name, measured):
    from symcount import derive

    found, rng = measured(name, CASES[name][0]), random.Random(name)
    for _ in range(5):
        fields = config(name, drawn(name, rng))
        _, counts = found.count(fields)
        assert counts["unique"] == real_number(name, fields), fields
        by_list = derive(fields)  # the list as it is, no numbers of kinds
        assert counts == {c: by_list.count(fields, convention=c) for c in CONVENTIONS}
