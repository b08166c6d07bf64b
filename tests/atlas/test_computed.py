"""What a config class computes layer by layer: the rule that is found says what the class says, at other numbers."""

import itertools
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symcount.atlas.computed import is_said, said
from symcount.core.paths import value_at
from symcount.survey.schema.cases import Sample, cases_of, several_named

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


def test_elements_that_are_one_of_two_numbers():
    others = {"heads": [5, 8], "groups": [3, 4], "first": [1, 3]}

    def sample(n, **numbers):
        of = {"n": n, "heads": 4, "groups": 2, "first": 2, **numbers}
        return Sample(of, [of["heads"] if i < of["first"] else of["groups"] for i in range(n)])

    moved = [{}, {"heads": 5}, {"heads": 8}, {"groups": 3}, {"groups": 4}, {"first": 1}, {"first": 3}]
    samples = [sample(n, **numbers) for n in (1, 2, 3, 5, 8, 13) for numbers in moved]
    assert cases_of("list", 0, "n", others, samples) is None  # small numbers are taken for constants
    pairs = [*several_named(others, samples)]
    assert ("heads", "groups") in pairs
    assert ("heads", "first") not in pairs
    cases = cases_of("list", 0, "n", others, samples, named=("heads", "groups"))
    rule = {"form": "list", "depth": "n", "cases": cases}
    for n, heads, groups, first in itertools.product((4, 7), (6, 16), (1, 16), (0, 5)):
        other = sample(n, heads=heads, groups=groups, first=first)
        assert is_said(rule, other.value, other.numbers), other


def test_keys_that_a_layer_has_as_the_config_has_them_are_no_other_kind():
    others = {"rank": [20, 30], "width": [70, 80]}

    def sample(n, **numbers):
        of = {"n": n, "rank": 16, "width": 64, **numbers}
        own = {"width": 64, "rank": 16, "heads": 9}
        layers = {str(i): {k: v for k, v in own.items() if of.get(k) != v} for i in range(n) if i % 2}
        return Sample(of, layers)

    moved = [{}, {"rank": 20}, {"rank": 30}, {"width": 70}, {"width": 80}]
    samples = [sample(n, **numbers) for n in (1, 2, 3, 6, 9) for numbers in moved]
    cases = cases_of("layers", 0, "n", others, samples, named=False)
    assert cases is not None
    assert [element for _, element in cases if element] == [{"heads": 9, "rank": 16, "width": 64}]
