"""Derivations from runs of few layers: where they suffice, and what they must not be taken in by."""

import dataclasses
import math
import sys
import types
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

import symcount as sc

KINDS = (1, 1, 2)


def _default(value):
    return dataclasses.field(default_factory=lambda: [*value]) if isinstance(value, list) else value


def made(name, **given):
    """A config class with these defaults, in the module of that name."""
    fields = {"num_hidden_layers": 9, "hidden_size": 8, **given}
    kinds = dict.fromkeys(fields, Any)
    return type(
        "FewConfig",
        (PretrainedConfig,),
        {"__annotations__": kinds, "__module__": name, "model_type": "few"}
        | {field: _default(value) for field, value in fields.items()},
    )


def alike(c):
    return [nn.Linear(c.hidden_size, c.hidden_size) for _ in range(c.num_hidden_layers)]


def one_lost_ratio(c):
    return [nn.Linear(c.hidden_size, int(np.float32(c.ratio) * 10)) for _ in range(c.num_hidden_layers)]


def a_ratio_that_is_a_number_of_the_code(c):
    return [nn.Linear(4 * c.hidden_size, int(np.float32(c.ratio))) for _ in range(c.num_hidden_layers)]


def a_pattern_in_the_code(c):
    return [nn.Linear(c.hidden_size, KINDS[i % 3] * c.hidden_size) for i in range(c.num_hidden_layers)]


def a_pattern_in_the_config(c):
    return [nn.Linear(c.hidden_size, (1 + (c.kinds[i % 3] == "wide")) * c.hidden_size)
            for i in range(c.num_hidden_layers)]  # fmt: skip


def a_list_of_kinds(c):
    return [nn.Linear(c.hidden_size, (1 + (c.kinds[i] == "wide")) * c.hidden_size) for i in range(c.num_hidden_layers)]


def a_late_layer(c):
    return [nn.Linear(c.hidden_size, (1 + (i >= 7)) * c.hidden_size) for i in range(c.num_hidden_layers)]


def every_fourth(c):
    return [nn.Linear(c.hidden_size, (2 if (i + 1) % 4 == 0 else 1) * c.hidden_size)
            for i in range(c.num_hidden_layers)]  # fmt: skip


def a_branch_on_the_depth(c):
    return [nn.Linear(c.hidden_size, c.hidden_size, bias=c.num_hidden_layers > 5) for _ in range(c.num_hidden_layers)]


def a_lost_loop(c):
    return [nn.Linear(c.hidden_size, c.hidden_size) for _ in np.arange(int(np.int64(c.num_hidden_layers)))]


def a_lost_loop_beside(c):
    more = [nn.Linear(c.hidden_size, 1) for _ in np.arange(c.others)]
    return [*(nn.Linear(c.hidden_size, c.hidden_size) for _ in range(c.num_hidden_layers)), *more]


def a_last_one_where_there_is_none(c):
    kinds = ["narrow"] * int(c.num_hidden_layers)
    for i in range(int(c.num_hidden_layers)):
        if i % 4 == 3:
            kinds[i] = "wide"
    if "wide" not in kinds:
        kinds[-1] = "wide"
    return [nn.Linear(c.hidden_size, (1 + (kinds[i] == "wide")) * c.hidden_size) for i in range(c.num_hidden_layers)]


def as_many_as_a_tensor_has(c):
    return [nn.Linear(c.hidden_size, c.hidden_size) for _ in torch.linspace(0, c.rate, c.num_hidden_layers)]


def beside_a_tensor_of_rates(c):
    rates = [x.item() for x in torch.linspace(0, c.rate, c.num_hidden_layers, device="cpu")]
    return [nn.Linear(c.hidden_size, (1 + (rates[i] > 0.5)) * c.hidden_size) for i in range(c.num_hidden_layers)]


def rates_that_do_not_matter(c):
    rates = [c.rate * i / max(c.num_hidden_layers - 1, 1) for i in range(c.num_hidden_layers)]
    return [nn.Sequential(nn.Linear(c.hidden_size, c.hidden_size), nn.Dropout(rates[i]) if rates[i] > 0 else nn.ReLU())
            for i in range(c.num_hidden_layers)]  # fmt: skip


def rates_that_matter(c):
    rates = [c.rate * i / max(c.num_hidden_layers - 1, 1) for i in range(c.num_hidden_layers)]
    return [nn.Linear(c.hidden_size, (1 + (rates[i] > 0)) * c.hidden_size) for i in range(c.num_hidden_layers)]


def far_rates_that_matter(c):
    rates = [c.rate * i / max(c.num_hidden_layers - 1, 1) for i in range(c.num_hidden_layers)]
    return [nn.Linear(c.hidden_size, (1 + (rates[i] > 0.5)) * c.hidden_size) for i in range(c.num_hidden_layers)]


def as_many_levels_as_a_logarithm(c):
    levels = [nn.Linear(c.hidden_size, 3) for _ in [1, 2, 3, 4, 5, 6, 7, 8][: int(math.log2(c.size))]]
    return [*(nn.Linear(c.hidden_size, c.hidden_size) for _ in range(c.num_hidden_layers)), *levels]


def a_text_of_a_ratio(c):
    return [nn.Linear(c.hidden_size, int(f"{c.ratio}"[0]) * c.hidden_size) for _ in range(c.num_hidden_layers)]


def stages(c):
    return [nn.Linear((k + 1) * c.hidden_size, c.hidden_size) for k in range(2) for _ in range(c.depths[k])]


def stages_of_many_layers(c):
    return [nn.Linear(c.hidden_size, (2 if c.depths[k] > 3 else 1) * c.hidden_size)
            for k in range(2) for _ in range(c.depths[k])]  # fmt: skip


def stages_in_turn(c):
    return [nn.Linear(c.hidden_size, (1 + i % 2) * c.hidden_size) for k in range(2) for i in range(c.depths[k])]


def a_number_of_stages(c):
    return [nn.Linear((k + 1) * c.hidden_size, c.hidden_size) for k in range(c.num_stages) for _ in range(c.depths[k])]


def a_step(c):
    return [nn.Linear(c.hidden_size, (1 + (i % c.step == 0)) * c.hidden_size) for i in range(c.num_hidden_layers)]


def by_position(c):
    return [nn.Linear(c.hidden_size, (8, 40, 60, 80)[c.choice]) for _ in range(c.num_hidden_layers)]


def by_position_later(c):
    chosen = c.choice
    widths = (8, 40, 60, 80)
    return [nn.Linear(c.hidden_size, widths[chosen]) for _ in range(c.num_hidden_layers)]


def by_key(c):
    return [nn.Linear(c.hidden_size, {1: 40, 2: 60, 3: 80}[c.choice]) for _ in range(c.num_hidden_layers)]


def a_part_of_a_list(c):
    return [nn.Linear(c.hidden_size, w) for w in (8, 40, 60)[: c.choice] for _ in range(c.num_hidden_layers)]


def by_text(c):
    return [nn.Linear(c.hidden_size, 40 if str(c.choice) == "1" else 60) for _ in range(c.num_hidden_layers)]


def by_bits(c):
    return [nn.Linear(c.hidden_size, 40 if c.choice & 2 else 60) for _ in range(c.num_hidden_layers)]


def by_ones(c):
    return [nn.Linear(c.hidden_size, 40 * c.choice.bit_count()) for _ in range(c.num_hidden_layers)]


def by_the_length_of_a_text(c):
    return [nn.Linear(c.hidden_size, 40 * len("x" * c.choice)) for _ in range(c.num_hidden_layers)]


def by_membership(c):
    return [nn.Linear(c.hidden_size, 40 if c.choice in range(2) else 60) for _ in range(c.num_hidden_layers)]


def one_of_two(c):
    return [nn.Linear(c.hidden_size, (40, 60)[c.choice]) for _ in range(c.num_hidden_layers)]


def one_of_two_beside_a_step(c):
    return [nn.Linear(c.hidden_size, (40, 60)[c.choice] * (1 + (i % c.step == 0))) for i in range(c.num_hidden_layers)]


def one_that_is_given_away(c):
    width = [40, 60].pop(c.choice)
    return [nn.Linear(c.hidden_size, width) for _ in range(c.num_hidden_layers)]


def from_the_end(c):
    return [nn.Linear(c.hidden_size, (40, 60, 80)[-c.choice]) for _ in range(c.num_hidden_layers)]


def by_position_beside_a_step(c):
    return [nn.Linear(c.hidden_size, (8, 40, 60, 80)[c.choice] * (1 + (i % c.step == 0)))
            for i in range(c.num_hidden_layers)]  # fmt: skip


def as_one_of_the_library(monkeypatch, layers, **given):
    """A model class of these layers in a module with a name of transformers: it is derived as the library's own are."""
    name = f"transformers.models.few.modeling_{layers.__name__}"
    module = types.ModuleType(name)
    config = made(name, **given)
    here = types.FunctionType(layers.__code__, vars(module), layers.__name__, None, layers.__closure__)
    vars(module).update(nn=nn, np=np, torch=torch, math=math, KINDS=KINDS)

    def built(self, config):
        PreTrainedModel.__init__(self, config)
        self.layers = nn.ModuleList(self.layers_of(config))

    namespace = {"__init__": built, "__module__": name, "config_class": config, "base_model_prefix": "model",
                 "layers_of": staticmethod(here)}  # fmt: skip
    module.FewModel, module.FewConfig = type("FewModel", (PreTrainedModel,), namespace), config
    monkeypatch.setitem(sys.modules, name, module)
    return module.FewModel


@pytest.mark.parametrize(
    ("layers", "given", "others"),
    [
        (alike, {}, [{"num_hidden_layers": 30}]),
        (as_many_as_a_tensor_has, {"rate": 0.1}, [{"num_hidden_layers": 4}, {"rate": 0.7}]),
        (beside_a_tensor_of_rates, {"rate": 0.1}, [{"num_hidden_layers": 4}, {"rate": 0.9}, {"rate": 0.5}]),
        (rates_that_do_not_matter, {"rate": 0.1}, [{"num_hidden_layers": 30}, {"rate": 0.0}, {"rate": 0.9}]),
        (rates_that_matter, {"rate": 0.1}, [{"num_hidden_layers": 30}, {"rate": 0.0}, {"rate": 0.9}]),
        (far_rates_that_matter, {"rate": 0.1}, [{"num_hidden_layers": 30}, {"rate": 0.0}, {"rate": 0.9}]),
        (as_many_levels_as_a_logarithm, {"size": 16}, [{"size": n} for n in (4, 17, 31, 32, 64, 200)]),
        (a_text_of_a_ratio, {"ratio": 2.5}, [{"ratio": 2.75}, {"ratio": 3.5}, {"num_hidden_layers": 3}]),
        (stages, {"depths": [2, 3]}, [{"depths": [5, 1]}, {"depths": [2, 9]}]),
        (stages_of_many_layers, {"depths": [2, 3]}, [{"depths": [5, 1]}, {"depths": [2, 9]}]),
        (stages_in_turn, {"depths": [2, 3]}, [{"depths": [5, 1]}, {"depths": [2, 9]}]),
        (a_number_of_stages, {"depths": [2, 3], "num_stages": 2}, [{"num_stages": 1}, {"depths": [4, 4]}]),
        *(
            (layers, {"choice": 1, **more}, [{"choice": n} for n in (2, 3)])
            for more, several in [
                ({}, [by_position, by_position_later, by_key, a_part_of_a_list, by_text, by_bits, by_ones]),
                ({}, [by_the_length_of_a_text, by_membership]),
                ({"step": 2}, [by_position_beside_a_step]),
            ]
            for layers in several
        ),
        (one_of_two, {"choice": 1}, [{"choice": 0}]),
        (one_of_two, {"choice": 0}, [{"choice": 1}]),
        (one_of_two_beside_a_step, {"choice": 1, "step": 2}, [{"choice": 0}]),
        (one_that_is_given_away, {"choice": 1}, [{"choice": 0}]),
        (from_the_end, {"choice": 3}, [{"choice": n} for n in (0, 1, 2)]),
        (a_step, {"step": 1}, [{"step": 2}, {"step": 3, "num_hidden_layers": 20}]),
        (one_lost_ratio, {"ratio": 4.0}, [{"ratio": 2.0}]),
        (a_ratio_that_is_a_number_of_the_code, {"ratio": 4.0}, [{"ratio": 2.0}]),
        (a_pattern_in_the_code, {}, [{"num_hidden_layers": 30}, {"num_hidden_layers": 2}]),
        (a_pattern_in_the_config, {"kinds": ("narrow", "narrow", "wide")}, [{"num_hidden_layers": 12}]),
        (a_list_of_kinds, {"kinds": ("narrow",) * 6 + ("wide",) * 3}, [{}]),
        (a_late_layer, {}, [{"num_hidden_layers": 7}, {"num_hidden_layers": 30}]),
        (every_fourth, {}, [{"num_hidden_layers": 3}, {"num_hidden_layers": 32}]),
        (a_last_one_where_there_is_none, {}, [{"num_hidden_layers": 2}, {"num_hidden_layers": 21}]),
        (a_branch_on_the_depth, {}, [{"num_hidden_layers": 4}, {"num_hidden_layers": 6}]),
        (a_lost_loop, {}, [{"num_hidden_layers": 4}]),
        (a_lost_loop_beside, {"others": 5}, [{"others": 3}]),
    ],
)
def test_a_class_of_the_library_is_counted_exactly_or_refused(monkeypatch, layers, given, others):
    cls = as_one_of_the_library(monkeypatch, layers, **given)
    formula = sc.derive(cls)
    assert cls.config_class().hidden_size == formula.base["hidden_size"] == 8  # it is a symbol
    for values in [{}, *others, {"hidden_size": 24}]:
        config = cls.config_class(**values)
        real = sum(p.numel() for p in cls(config).parameters())
        try:
            found = formula.count(config)
        except sc.SymcountError:
            assert values  # its own default config is never refused
            continue
        assert found == real, (values, str(formula.total))


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("LlamaModel", 1),
        ("SiglipModel", 1),  # two towers
        ("AXK2Model", 2),  # the first layer is another one, of which there may be no more
        ("Qwen3_5MoeModel", 2),  # every fourth layer, which a model of one layer has none of
        ("MixtralModel", 2),  # two experts a token, and a factor of two in a size
        ("FunnelModel", 1),  # the elements of a list are depths
        ("ArceeModel", 1),  # a message has the numbers of tokens
        ("AlbertModel", 1),
    ],
)
def test_few_layers_suffice(name, runs):
    story = sc.derive(name).story
    assert sum(line.startswith("run: ") for line in story) == runs
    assert not any("the default config" in line for line in story)


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("SwinModel", 3),  # a rate that grows with the index asks it something, of no matter to any tensor
        ("ConvNextModel", 5),  # how many stages there are is kept before anything else is tried
        ("DeepseekV3Model", 4),  # everything was followed: what no run moved need not be tried
        ("ChameleonModel", 12),  # the same; some places have more tensors than are looked at
        ("JanusModel", 12),
    ],
)
def test_few_runs_suffice(name, most):
    formula = sc.derive(name)
    runs = [line for line in formula.story if line.startswith("run: ")]
    assert len(runs) <= most and len([line for line in runs if "the default config" in line]) <= 1
    assert formula.certify(3, seed=2).passed == 3


def test_what_a_config_refuses_is_no_run():
    story = sc.derive("Speech2TextModel").story
    refused = [line for line in story if line.startswith("refused by the config: ")]
    assert refused and not any(line.startswith("run: ") and "config" in line.partition(";")[2] for line in story)


@pytest.mark.parametrize("name", ["LlamaModel", "Qwen3_5MoeModel"])
def test_what_few_layers_show_is_right_for_many(name):
    assert sc.derive(name).certify(3).passed == 3
