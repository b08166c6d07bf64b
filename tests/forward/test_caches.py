"""Caches of models: closed forms of what real forward passes leave behind, and lines for what has none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import symcount as sc
from symcount.errors import DerivationError, DomainError, OptionError
from symcount.exact.evaluate import integer_value
from symcount.forward.api import derived_cache

pytest.importorskip("transformers")

#: Class -> bytes that a cache of 64 tokens holds in bf16 at the defaults, and those of keys and values by measurement.
MEASURED = json.loads(Path(__file__).with_name("measured.json").read_text())
SMALL = {"num_hidden_layers": 12, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 100}
# class, config fields, closed form of the elements
FORMS = [
    ("LlamaForCausalLM", {**SMALL, "num_key_value_heads": 2}, "2*B*H*K*N*S/A"),
    ("MistralForCausalLM", {**SMALL, "num_key_value_heads": 2, "head_dim": 16},
     "N*(2*B*D*K*Min(S, sliding_window - 1) + 1)"),
    ("GitForCausalLM", SMALL, "2*B*H*N*S"),  # of a text: an image may be left out
]  # fmt: skip


@pytest.mark.parametrize(("name", "fields", "form"), FORMS, ids=[name for name, *_ in FORMS])
def test_a_cache_is_a_closed_form_in_the_models_letters(name, fields, form):
    assert str(sc.cache(name, **fields).total) == form


def test_a_window_of_one_token_is_refused_since_the_real_layer_keeps_all_of_them_then():
    found = sc.cache("MistralForCausalLM", **SMALL, num_key_value_heads=2, head_dim=16)
    for name in (found, derived_cache("MistralForCausalLM", **SMALL, num_key_value_heads=2, head_dim=16)):
        at = {**name.defaults, "B": 1, "S": 10, "sliding_window": 2}
        assert name.count(**at) == 12 * (2 * 2 * 16 + 1)
        with pytest.raises(DomainError, match="sliding_window - 1 > 0 is required"):
            name.count(**{**at, "sliding_window": 1})


def test_a_cache_agrees_with_real_ones_at_random_points():
    found = sc.cache("Gemma3ForCausalLM", **SMALL, num_key_value_heads=2, head_dim=16, sliding_window=30)
    assert found.certify(2).passed == 2
    sliding, full = (block for block in found.tree.children[0].children)
    assert (sliding.kind, full.kind) == ("DynamicSlidingWindowLayer", "DynamicLayer")
    assert str(full.repeat) == "floor(N/6)"


def test_recurrent_states_are_in_fp32_whatever_the_model_is_in():
    found = sc.cache("MambaForCausalLM", num_hidden_layers=4, hidden_size=32, vocab_size=100)
    assert set(found.dtypes.values()) == {"float32"}
    at = {**found.defaults, "B": 1}
    elements = 4 * 64 * (16 + 4)
    assert found.count(**at) == elements
    assert found.bytes("bf16").count(**at) == 4 * 64 * (16 * 4 + 4 * 2)
    assert found.bytes("fp32").count(**at) == 4 * elements


@pytest.fixture(scope="module")
def llama():
    return sc.formula("LlamaForCausalLM").cache()


def test_sizes_of_the_input_may_be_numbers(llama):
    assert str(llama.at(batch=2, length=100).total) == "400*H*N"
    assert str(llama.at(length="T").total) == "2*B*H*N*T"


def test_a_config_is_read_by_its_own_class(llama):
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 2}
    assert llama.count(config, B=1, S=10) == 2 * 2 * 4096 * 10


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda f: f.at(batch=0), DomainError, "batch: expected a positive number or a letter, got 0"),
    (lambda f: f.bytes("bf17"), OptionError, "dtype 'bf17': expected one of"),
    (lambda f: f.count(**f.defaults, B=1, S=4000), DomainError,
     "S ≤ L is required, but L (max_position_embeddings) = 2048, S (length) = 4000"),
], ids=["a batch of none", "an unknown type", "a length beyond the positions"])  # fmt: skip
def test_bad_input_is_told_in_a_line(llama, call, error, words):
    with pytest.raises(error) as told:
        call(llama)
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_a_class_without_a_cache_says_so():
    with pytest.raises(DerivationError, match="ViTModel has no cache: its forward pass returns none"):
        sc.cache("ViTModel", num_hidden_layers=2)


def test_where_each_codebook_has_a_table_there_is_a_sequence_of_tokens_for_each():
    pytest.importorskip("transformers")
    small = {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2, "ffn_dim": 24, "num_codebooks": 3}
    assert str(sc.cache("MusicgenForCausalLM", **small).total) == "2*B*H*N*S"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MEASURED))
def test_a_derived_cache_has_the_bytes_that_were_measured_at_the_defaults(name):
    found = derived_cache(name).bytes("bf16")
    at = found.values({k: v for k, v in {**found.defaults, "B": 1, "S": 64}.items() if k in found.notation})
    held = [row.total for row in found.ledger if not row.name.startswith("_")]  # numbers of sliding layers left out
    assert sum(integer_value(size, at) for size in held) == MEASURED[name][0]
