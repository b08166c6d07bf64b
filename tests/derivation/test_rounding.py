"""Sizes that leave a remainder: the formula has a quotient, and counts what the code makes of its floor."""

import inspect
import random
from itertools import pairwise

import pytest

import symcount as sc
from symcount.errors import ConfigError, DomainError, OptionError

torch = pytest.importorskip("torch")
nn = torch.nn


class Halves(nn.Module):
    def __init__(self, width=64, views=27):
        super().__init__()
        self.features = nn.Linear(width, width)
        self.views = nn.Linear(width + views, width // 2)
        self.colour = nn.Linear(width // 2, 3)


class Chain(nn.Module):
    def __init__(self, inputs=784, latent=8):
        super().__init__()
        sizes = [inputs, inputs // 2, inputs // 2 // 2, int(inputs / 8), latent]
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(sizes)])


class Heads(nn.Module):
    """Nothing asks whether the width is a multiple of the number of heads."""

    def __init__(self, width=64, heads=4, layers=3):
        super().__init__()
        each = width // heads
        self.layers = nn.ModuleList([nn.Linear(width, heads * each, bias=False) for _ in range(layers)])


class Checked(nn.Module):
    """It is asked, and refused."""

    def __init__(self, width=64, heads=4):
        super().__init__()
        if width % heads:
            raise ValueError("the width is no multiple of the number of heads")
        self.query = nn.Linear(width, heads * (width // heads))


def real(cls, **fields):
    with torch.device("meta"):
        return sum(p.numel() for p in cls(**fields).parameters())


# a width below the number of heads gives tensors of no elements, which torch warns of when it fills them
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize(("cls", "condition"), [(Halves, "2 divides"), (Chain, "2 divides"), (Heads, "heads divides")])
def test_any_size_is_counted(cls, condition):
    f, rng = sc.derive(cls), random.Random(0)
    assert [e.field for e in f.notation] == list(inspect.signature(cls).parameters)  # in the class's own order, always
    assert condition in f.domain_text().replace("A divides", "heads divides")
    for _ in range(40):
        fields = {e.field: rng.randrange(8, 90) for e in f.notation}
        assert f.count(fields) == f.count(**fields) == real(cls, **fields), fields


def test_what_the_code_refuses_is_refused():
    f = sc.derive(Checked)
    assert f.count(width=90, heads=9) == real(Checked, width=90, heads=9)
    with pytest.raises(DomainError, match="divides"):
        f.count(width=90, heads=8)
    with pytest.raises((ConfigError, DomainError, OptionError)):
        f.count({"width": 90, "heads": 8})


def test_a_check_that_another_field_turns_off():
    transformers = pytest.importorskip("transformers")
    f = sc.derive("ElectraModel")
    config = transformers.ElectraConfig(hidden_size=254, num_attention_heads=4)
    with torch.device("meta"):
        model = transformers.ElectraModel(config)
    assert f.count(config) == sum(p.numel() for p in model.parameters())
