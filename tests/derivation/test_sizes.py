"""Sizes are positive: a config with a size below one is refused, unless the model's own config has it so by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from torch import nn  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.errors import DerivationError, DomainError, OptionError  # noqa: E402

DEBERTA: dict[str, Any] = {
    "model_type": "deberta-v2", "vocab_size": 90, "hidden_size": 48, "num_attention_heads": 4, "num_hidden_layers": 2,
    "intermediate_size": 64,
}  # fmt: skip
WAYS = {
    "count": sc.count,
    "formula": sc.formula,
    "derive": sc.derive,
    "derive and count": lambda config: sc.derive("DebertaV2Model").count(config),
    "verify": sc.verify,
}


@pytest.mark.parametrize("way", WAYS)
def test_an_empty_vocabulary_is_refused(way):
    with pytest.raises(DomainError, match=r"^V \(vocab_size\): expected an integer of at least 1, got 0$"):
        WAYS[way]({**DEBERTA, "vocab_size": 0, "pad_token_id": None})


def test_the_same_config_with_a_vocabulary_is_counted():
    import transformers

    fields = {name: value for name, value in DEBERTA.items() if name != "model_type"}
    with torch.device("meta"):
        real = transformers.DebertaV2Model(transformers.DebertaV2Config(**fields))
    assert sc.derive(DEBERTA).count(DEBERTA) == sc.count(DEBERTA) == real.num_parameters()


def test_what_is_zero_by_default_may_be_zero():
    f = sc.derive({**DEBERTA, "type_vocab_size": 0})  # DeBERTa has no token types by default
    assert f.notation["type_vocab_size"].minimum == 0
    assert f.count(DEBERTA) == sc.count(DEBERTA)


@dataclass
class Branches:
    """A side branch that there is only on demand, in a model with a trunk."""

    trunk: int = 8
    side: int = 0
    layers: int = 2
    depth: int = 0


class Model(nn.Module):
    """A trunk, with a table of side inputs that may be empty."""

    def __init__(self, config):
        super().__init__()
        self.trunk = nn.ModuleList(nn.Linear(config.trunk, config.trunk) for _ in range(config.layers))
        self.more = nn.ModuleList(nn.Linear(config.trunk, 2) for _ in range(config.depth))
        self.side = nn.Embedding(config.side, config.trunk)


def real(config):
    with torch.device("meta"):
        return sum(p.numel() for p in Model(config).parameters())


def test_zero_by_default_is_zero_or_more():
    f = sc.derive(Model, config=Branches())
    for config in (Branches(), Branches(3, 5, 1, 0)):
        assert f.count(config) == real(config)
    with pytest.raises(DomainError, match=r"side.*at least 0, got -1"):
        f.count({}, trunk=8, side=-1, layers=2)


def test_zero_where_the_default_is_more_is_refused():
    refused = pytest.raises(DomainError, match=r"trunk.*: expected an integer of at least 1, got 0$")
    with refused:
        sc.derive(Model, config=Branches(trunk=0, side=3))
    with refused:
        sc.derive(Model, config=Branches(side=1)).count(Branches(trunk=0, side=3))


def test_no_layers_are_counted_as_none_and_no_others():
    f = sc.derive(Model, config=Branches(side=3, layers=0))
    assert f.count(Branches(5, 4, 0, 0)) == real(Branches(5, 4, 0, 0))
    with pytest.raises(OptionError, match="layers = 2, but the formula holds for layers = 0"):
        f.count(Branches(side=3))


def test_a_negative_size_is_refused_as_torch_does():
    with pytest.raises(DerivationError, match="Model cannot be constructed at these values"):
        sc.derive(Model, config=Branches(side=-3))
