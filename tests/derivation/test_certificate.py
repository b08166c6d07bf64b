"""The certificate: it meets the config that was asked for, says what it varied, and lets nothing wrong pass."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
from torch import nn  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.config.config import read  # noqa: E402
from symcount.derivation.resolve import config_object, model_class  # noqa: E402
from symcount.errors import VerificationError  # noqa: E402


def real(fields):
    """What transformers builds of a config."""
    described = read(fields)
    cls = model_class(described.class_name or described.model_type)
    with torch.device("meta"):
        return sum(p.numel() for p in cls(config_object(described, cls)).parameters())


PER_LAYER = [
    {"architectures": ["Gemma4TextModel"], "num_hidden_layers": 6, "global_head_dim": 256},
    {"architectures": ["Gemma4TextModel"], "num_hidden_layers": 6, "global_head_dim": 128},
    {"architectures": ["Gemma4TextModel"], "num_hidden_layers": 6, "per_layer_config": {}},
    {"architectures": ["Gemma4TextModel"], "num_hidden_layers": 6, "attention_k_eq_v": True},
    {"architectures": ["Gemma4TextModel"], "num_hidden_layers": 6, "per_layer_config": {"5": {"head_dim": 64}}},
    {"architectures": ["Gemma4Model"], "text_config": {"num_hidden_layers": 6, "global_head_dim": 128}},
    {"architectures": ["Gemma4UnifiedTextModel"], "num_hidden_layers": 6, "global_head_dim": 64},
    {"architectures": ["EmbeddingGemma2TextModel"], "num_hidden_layers": 6, "global_head_dim": 256},
    {"architectures": ["EmbeddingGemma2TextModel"], "num_hidden_layers": 6, "num_global_key_value_heads": 2},
    {"architectures": ["NeoMMEModel"], "num_hidden_layers": 4, "per_layer_config": {"1": {"sliding_window": 64}}},
    {"architectures": ["Dots3NoteTextModel"], "num_hidden_layers": 4, "swa_kv_lora_rank": 256},
    {"architectures": ["Dots3NoteTextModel"], "num_hidden_layers": 4, "first_k_dense_replace": 2},
]  # fmt: skip


@pytest.mark.parametrize("fields", PER_LAYER, ids=str)
def test_what_single_layers_have_of_their_own_is_in_the_formula(fields):
    f = sc.derive(fields)
    assert f.count(**f.defaults) == f.count(fields) == real(fields)
    assert f.certify(2).passed == 2


def test_the_config_asked_for_is_tested_before_any_other():
    f = sc.derive("Gemma4TextModel", config={"num_hidden_layers": 6})
    other = transformers.Gemma4TextConfig(num_hidden_layers=6, global_head_dim=128)
    with pytest.raises(VerificationError, match=r"disagree at the default config: .*self_attn"):
        replace(f, requested=other).certify(1)


def test_what_was_varied_and_what_was_held_is_said():
    found = sc.derive("MixtralModel").certify(4)
    assert {"num_hidden_layers", "hidden_size", "num_local_experts", "rms_norm_eps"} <= set(found.varied)
    assert {"hidden_act", "rope_parameters"} <= set(found.held)
    assert not set(found.varied) & set(found.held)
    first, varied, held = str(found).splitlines()
    assert first.startswith("MixtralModel: exact at this config and at 4 random points (seed 0), ")
    assert varied.startswith("varied: ")
    assert "hidden_size" in varied
    assert held.startswith("held at their values: ")
    assert "hidden_act" in held


def test_pinned_fields_are_held():
    f = sc.derive(depths_of_a_kind(lambda i, c: 3 if "7" in str(i) else 2), config=Sizes())
    assert f.pinned == {"layers": 4}
    assert "layers" in f.certify(2).held


@dataclass
class Sizes:
    """Sizes, with fewer layers than real models have."""

    width: int = 24
    layers: int = 4


def depths_of_a_kind(rows):
    """A class whose layers have as many rows as *rows* says for each index."""

    class Own(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.layers = nn.ModuleList(
                nn.Linear(config.width, rows(i, config), bias=False) for i in range(config.layers)
            )

    return Own


FIFTH = [5, 11, 17, 23]
BEYOND = {
    "every eighth": lambda i, c: 4 * c.width if (i + 1) % 8 == 0 else c.width,
    "every eighth by bits": lambda i, c: c.width if i & 7 else 2 * c.width,
    "every sixteenth": lambda i, c: c.width if i % 16 else 3,
    "from the twentieth on": lambda i, c: 2 * c.width if i >= 20 else c.width,
    "up to the tenth": lambda i, c: c.width if not i > 10 else 1,
    "some that are listed": lambda i, c: c.width if i in [5, 11, 17, 23] else 2 * c.width,
    "some that a name lists": lambda i, c: c.width if i in FIFTH else 2 * c.width,
    "powers of two": lambda i, c: c.width if i in (1, 2, 4, 8, 16) else 2,
    "the twelfth": lambda i, c: 7 if i == 12 else c.width,
    "one of a table": lambda i, c: {7: 5}.get(i, c.width),
    "two digits": lambda i, c: c.width + len(str(i)),
    "stages of eight": lambda i, c: c.width * 2 ** (i // 8),
    "growing up to ten": lambda i, c: c.width * min(i, 10) + 1,
    "all of a deep model": lambda i, c: 2 * c.width if c.layers >= 24 else c.width,
    "all of a model of twelve": lambda i, c: 2 * c.width if c.layers == 12 else c.width,
    "all of every tenth model": lambda i, c: 2 * c.width if c.layers % 10 == 0 else c.width,
    "the last of a deep model": lambda i, c: 1 if c.layers > 30 and i == c.layers - 1 else c.width,
}  # fmt: skip


@pytest.mark.parametrize("default", [4, 12])
@pytest.mark.parametrize("name", BEYOND)
def test_layers_of_a_kind_that_the_default_does_not_have(name, default):
    cls = depths_of_a_kind(BEYOND[name])
    f = sc.derive(cls, config=Sizes(layers=default))
    counted = 0
    for layers in (*range(1, 36), 48, 97):
        config = Sizes(10, layers)
        try:
            found = f.count(config)
        except sc.SymcountError:
            continue
        counted += 1
        with torch.device("meta"):
            assert found == sum(p.numel() for p in cls(config).parameters()), (layers, f.total, f.domain_text())
    assert counted
    assert f.certify(3).passed == 3


@pytest.mark.parametrize("name", BEYOND)
def test_a_formula_without_them_does_not_pass(name):
    """The formula of layers that are all alike, for the class in which some are not."""
    plain = sc.derive(depths_of_a_kind(lambda _, c: c.width), config=Sizes())
    with pytest.raises(VerificationError, match="formula and model disagree at "):
        replace(plain, cls=depths_of_a_kind(BEYOND[name])).certify(8)
