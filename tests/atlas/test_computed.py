"""What a config class computes layer by layer: the rule that is found says what the class says, at other numbers."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symcount.atlas.computed import is_said, said
from symcount.core.paths import value_at

NUMBERS = st.integers(0, 12)


@given(depth=NUMBERS, first=NUMBERS, every=st.integers(1, 6), offset=st.integers(0, 5))
def test_cases_are_read_as_a_program_has_them(depth, first, every, offset):
    cases = [[[["from", "first"], ["every", every, offset]], "sparse"], [[["last", 1]], "last"], [[], "dense"]]
    rule = {"form": "list", "depth": "depth", "cases": cases}
    expected = [
        "sparse" if i >= first and (i + offset) % every == 0 else "last" if i == depth - 1 else "dense"
        for i in range(depth)
    ]
    numbers = {"depth": depth, "first": first}
    assert said(rule, numbers) == expected
    assert is_said(rule, expected, numbers) is True
    assert is_said(rule, [*expected, "dense"], numbers) is False
    assert is_said({**rule, "longer": True}, [*expected, "dense"], numbers) is True
    assert said(rule, {**numbers, "first": None}) is None


#: A config class, a key that it computes, and numbers at which it is asked for it.
RULES = [
    ("AfmoeModel", "layer_types", {"num_hidden_layers": (1, 90), "global_attn_every_n_layers": (1, 9)}),
    ("Gemma3TextModel", "layer_types", {"num_hidden_layers": (1, 90)}),
    ("DeepseekV32Model", "mlp_layer_types", {"num_hidden_layers": (1, 90), "first_k_dense_replace": (0, 20)}),
    ("Llama4TextModel", "moe_layers", {"num_hidden_layers": (1, 60), "interleave_moe_layer_step": (1, 7)}),
    ("Gemma4TextModel", "per_layer_config", {"num_hidden_layers": (2, 90), "head_dim": (1, 600)}),
    ("BeitModel", "out_indices", {"num_hidden_layers": (1, 90)}),
    ("BeitModel", "stage_names", {"num_hidden_layers": (1, 30)}),
    ("ParakeetForTDT", "encoder_config.num_key_value_heads", {"encoder_config.num_attention_heads": (1, 64)}),
]


@pytest.mark.parametrize(("name", "key", "ranges"), RULES, ids=[f"{n}-{k}" for n, k, _ in RULES])
def test_the_rule_of_a_class_says_what_the_class_computes(name, key, ranges):
    pytest.importorskip("torch")
    from symcount.derivation.resolve import model_class
    from symcount.survey.schema.bases import bases
    from symcount.survey.schema.layer_rules import Rules
    from symcount.survey.schema.probe import Probe

    cls, rng = model_class(name), random.Random(name)
    probe = Probe(cls, cls.config_class, next(iter(bases(cls, cls.config_class))).raw)
    rule = Rules(probe).rule(key)
    assert rule is not None
    compared = 0
    for _ in range(30):
        numbers = {path: rng.randint(*ends) for path, ends in ranges.items()}
        config = probe.try_config(numbers)
        if config is None:
            continue
        saved = json.loads(json.dumps(config.to_dict(), default=str))
        value = value_at(saved, key, {} if rule["form"] == "layers" else None)
        assert is_said(rule, value, {**rule["numbers"], **numbers}), numbers
        compared += 1
    assert compared > 5
