"""Stored caches: without torch, and equal to what was measured of real models at their defaults."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import symcount as sc
from symcount.cli import run
from symcount.errors import DependencyError, UncoveredError
from symcount.exact.evaluate import integer_value
from symcount.forward.stored import default_path, find, from_record, to_record
from symcount.typeset.styles import STYLES

#: Class -> bytes that a cache of 64 tokens holds in bf16 at the defaults, and those of keys and values by measurement.
MEASURED = json.loads(Path(__file__).with_name("measured.json").read_text())
STORED = {json.loads(line)["class"] for line in default_path().read_text(encoding="utf-8").splitlines()}


@pytest.fixture(autouse=True)
def no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "transformers", None)


@pytest.mark.parametrize("name", sorted(STORED & MEASURED.keys()))
def test_a_stored_cache_has_the_bytes_that_were_measured(name):
    found = find(name, {}).bytes("bf16")
    at = found.values({k: v for k, v in {**found.defaults, "B": 1, "S": 64}.items() if k in found.notation})
    # sliding layers keep a number for themselves, which the measurement left out
    held = [row.total for row in found.ledger if not row.name.startswith("_")]
    assert sum(integer_value(size, at) for size in held) == MEASURED[name][0]


def test_many_of_those_that_were_measured_are_stored():
    assert len(STORED & MEASURED.keys()) >= 15


LLAMA_3 = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "max_position_embeddings": 8192, "rope_theta": 500000.0,
}  # fmt: skip


def test_a_config_is_counted_without_torch():
    assert sc.cache(LLAMA_3).bytes("bf16").count(LLAMA_3, B=1, S=8192) == 2 * 2 * 32 * 8 * 128 * 8192


def test_what_the_class_fills_in_follows():
    fields = {k: v for k, v in LLAMA_3.items() if k != "num_key_value_heads"}
    assert sc.cache(LLAMA_3).count(fields, B=1, S=10) == 2 * 32 * 4096 * 10
    assert sc.cache(LLAMA_3).count({**fields, "num_key_value_heads": None}, B=1, S=10) == 2 * 32 * 4096 * 10


def test_an_option_of_which_nothing_is_stored_is_refused_by_name():
    found = find("Qwen2ForCausalLM", {})
    with pytest.raises(UncoveredError, match="use_sliding_window = true, but the stored cache"):
        found.bound({"architectures": ["Qwen2ForCausalLM"], "use_sliding_window": True})


def test_kinds_of_layers_are_counted_in_their_list():
    kinds = ["sliding_attention", "full_attention"] * 3
    config = {"architectures": ["CwmForCausalLM"], "model_type": "cwm", "num_hidden_layers": 6,
              "layer_types": kinds, "sliding_window": 9}  # fmt: skip
    found = sc.cache(config)
    assert found.count(config, B=1, S=100) == 3 * 2 * 8 * 128 * (100 + 8) + 3


@pytest.mark.parametrize("layers", [2, 7])
def test_where_kinds_are_not_listed_they_follow_the_pattern_of_the_class(layers):
    config = {"architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", "num_hidden_layers": layers,
              "num_key_value_heads": 2, "head_dim": 16, "sliding_window": 9}  # fmt: skip
    sliding, full = (layers + 1) // 2, layers // 2
    assert sc.cache(config).count(config, B=3, S=100) == 2 * 3 * 2 * 16 * (full * 100 + sliding * 8) + sliding


def test_a_formula_survives_being_stored():
    found = find("LlamaForCausalLM", {})
    assert from_record(json.loads(json.dumps(to_record(found)))).total == found.total


@pytest.mark.parametrize("style", STYLES)
def test_a_cache_is_typeset_in_every_style(style):
    text = find("Gemma3ForCausalLM", {}).bytes("bf16").latex(style)
    shown = {"table": "Bytes & Share", "steps": r"131{,}072", "leading": r"\text{ at } B = 1, S = 131{,}072",
             "notation": "tokens of a sequence & length & $131{,}072$"}  # fmt: skip
    assert shown.get(style, "BKD") in text


def test_numbers_are_shown_at_sizes_that_are_asked_for():
    text = find("MambaForCausalLM", {}).latex("notation", values={"B": 7})
    assert r"sequences in a batch & batch & $7$" in text


def test_what_is_not_stored_is_named():
    with pytest.raises(DependencyError, match=r"^the cache of Gemma4UnifiedForCausalLM is not stored, and"):
        sc.cache({"model_type": "gemma4_unified", "architectures": ["Gemma4UnifiedForCausalLM"]})


@pytest.mark.parametrize(
    ("length", "said"), [("8k", "total: 1,073,741,824 bytes"), ("16k", "S ≤ L is required, but L")]
)
def test_the_command_says_numbers_where_the_class_fills_some_in(capsys, tmp_path, length, said):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(LLAMA_3))
    run(["cache", str(config), "--length", length])
    told = capsys.readouterr()
    assert said in told.out + told.err


def test_nothing_is_stored_of_lists_of_indices():
    text = default_path().read_text(encoding="utf-8")
    assert "#listed" not in text
    assert "#others" not in text
