"""Sizes that change from layer to layer: the number of layers is free, whatever the sizes do."""

import random
from dataclasses import dataclass

import pytest
import torch
from torch import nn

import symcount as sc
from symcount.concolic.values import expression as ex
from symcount.concolic.values.path import Loop
from symcount.concolic.values.predicates import Predicate
from symcount.derivation.literals import ONE, ZERO, Assumptions
from symcount.derivation.progressions import progressions
from symcount.derivation.sequences import fitted, polynomial
from symcount.errors import DomainError, StructureError


@dataclass
class Sizes:
    width: int = 16
    step: int = 4
    layers: int = 4
    other: int = 48


def linears(pairs):
    return nn.ModuleList([nn.Linear(a, b) for a, b in pairs])


def pyramid(m, c):
    m.layers = linears((c.width + c.step * i, c.width + c.step * (i + 1)) for i in range(c.layers))


def pyramid_in_proportion(m, c):
    m.layers = linears((c.width + i * c.other // c.layers, 3) for i in range(c.layers))


def dense_features(m, c):
    blocks, features = [], c.width
    for _ in range(c.layers):
        blocks += [nn.BatchNorm2d(features), nn.ReLU(), nn.Conv2d(features, c.step, 3, bias=False)]
        features += c.step
    m.features = nn.Sequential(*blocks)
    m.classifier = nn.Linear(features, 10)


def doubled(m, c):
    m.layers = nn.ModuleList([nn.Conv2d(c.width * 2**i, c.width * 2 ** (i + 1), 3) for i in range(c.layers)])
    m.norm = nn.LayerNorm(c.width * 2**c.layers)


def doubled_as_it_goes(m, c):
    layers, before, now = [], 3, c.width
    for _ in range(c.layers):
        layers += [nn.Conv2d(before, now, 4, 2, 1), nn.LeakyReLU(0.2)]
        before, now = now, now * 2
    m.net = nn.Sequential(*layers)
    m.head = nn.Conv2d(before, 1, 4)


def capped(m, c):
    m.layers = linears((min(2**i, 8) * c.width, min(2 ** (i + 1), 8) * c.width) for i in range(c.layers))


def capped_by_a_field(m, c):
    m.layers = linears((min(c.width * 2**i, c.other), c.step) for i in range(c.layers))


def decoder(m, c):
    m.ups = nn.ModuleList([nn.ConvTranspose2d(c.width * 2 ** (c.layers - i), c.step, 4) for i in range(c.layers)])


def tapered(m, c):
    m.layers = linears((4 * c.other - i * c.step, 4 * c.other - (i + 1) * c.step) for i in range(c.layers))


def halved(m, c):
    m.layers = linears((c.other // 2**i + 1, 2) for i in range(c.layers))


def odd_kernels(m, c):
    m.convs = nn.ModuleList([nn.Conv1d(c.width, c.width, 2 * i + 1) for i in range(c.layers)])


def every_third_grows(m, c):
    m.layers = linears((c.width, c.width + c.step * i if (i + 1) % 3 == 0 else 5) for i in range(c.layers))


def the_last_is_another(m, c):
    m.layers = linears((c.width + c.step * i, 3 if i == c.layers - 1 else c.width) for i in range(c.layers))


def stages_of_blocks(m, c):
    m.stages = nn.ModuleList()
    for s in range(c.layers):
        m.stages.append(nn.ModuleList([nn.Linear(c.width * 2**s, c.width * 2**s) for _ in range(c.step)]))


def tables_of_their_own(m, c):
    m.tables = nn.ParameterList([nn.Parameter(torch.zeros(c.width, 2 * i + 1)) for i in range(c.layers)])


def sizes_in_a_list(m, c):
    sizes = [c.width * 2**i for i in range(c.layers + 1)]
    m.layers = nn.ModuleList([nn.Linear(sizes[i], sizes[i + 1]) for i in range(c.layers)])
    m.out = nn.Linear(sizes[-1], 3)


def discriminator(m, c):
    layers = [nn.Conv2d(3, c.width, 4, 2, 1)]
    now = 1
    for n in range(1, c.layers + 2):
        before, now = now, min(2**n, 8)
        layers += [nn.Conv2d(c.width * before, c.width * now, 4, 2, 1, bias=False), nn.BatchNorm2d(c.width * now)]
    before, now = now, min(2 ** (c.layers + 2), 8)
    layers += [nn.Conv2d(c.width * before, c.width * now, 4, 1, 1), nn.Conv2d(c.width * now, 1, 4, 1, 1)]
    m.model = nn.Sequential(*layers)


def capped_as_it_goes(m, c):
    m.convs, now = nn.ModuleList(), c.width
    for _ in range(c.layers):
        after = min(2 * now, 100)
        m.convs.append(nn.Conv2d(now, after, 3))
        now = after


def halved_as_it_goes(m, c):
    m.layers, now = nn.ModuleList(), 5 * c.other
    for _ in range(c.layers):
        m.layers.append(nn.Linear(now, 2))
        now //= 2


def wider_from_some_layer_on(m, c):
    numbers = range(c.layers + 5)
    m.layers = linears((c.width, c.width if i < c.step else c.width + 3 * (i - c.step + 1)) for i in numbers)


def tapered_to_a_least(m, c):
    m.layers = linears((max(c.other - 16 * i, 8), max(c.other - 16 * (i + 1), 8)) for i in range(c.layers))


def powers_of_a_field(m, c):
    m.layers = linears((c.width * c.step**i, 2) for i in range(c.layers))


def every_second(m, c):
    m.layers = linears((c.width, c.other) for _ in range(0, c.layers, 2))


def every_third_and_of_these_some_wider(m, c):
    m.layers = linears((c.width, 2 * c.width if i % 4 == 0 else c.width) for i in range(1, c.layers, 3))


def growing_in_steps(m, c):
    m.layers = linears((c.width + c.step * i, 2) for i in range(0, c.layers, 2))


KINDS = {
    f.__name__: f for f in (
        pyramid, pyramid_in_proportion, dense_features, doubled, doubled_as_it_goes, capped, capped_by_a_field, decoder,
        tapered, halved, odd_kernels, every_third_grows, the_last_is_another, stages_of_blocks, tables_of_their_own,
        wider_from_some_layer_on, tapered_to_a_least, powers_of_a_field, sizes_in_a_list, discriminator,
        capped_as_it_goes, halved_as_it_goes, every_second, every_third_and_of_these_some_wider, growing_in_steps,
    )
}  # fmt: skip


def built(make):
    class Model(nn.Module):
        def __init__(self, config: Sizes):
            super().__init__()
            make(self, config)

    return Model


def real(cls, config):
    with torch.device("meta"):
        return sum(p.numel() for p in cls(config).parameters())


@pytest.mark.parametrize("name", KINDS)
def test_the_number_of_layers_is_free(name):
    cls = built(KINDS[name])
    f = sc.derive(cls, config=Sizes())
    assert not f.pinned
    rng = random.Random(name)
    for layers in (1, 2, 3, 4, 5, 7, 12, 17):
        config = Sizes(rng.randint(1, 40), rng.randint(1, 5), layers, rng.randint(25, 90))
        assert f.count(config) == real(cls, config), (config, f.total, f.domain_text())
    assert f.certify(trials=2).passed == 2


def test_keywords_are_followed_as_a_config_is():
    class Net(nn.Module):
        def __init__(self, width=64, depth=4):
            super().__init__()
            self.layers = linears((width * (i + 1), width) for i in range(depth))

    f = sc.derive(Net)
    assert f.count(width=10, depth=6) == sum(p.numel() for p in Net(10, 6).parameters())


def test_an_adapter_counts_each_layer_at_its_size():
    f = sc.derive(built(pyramid), config=Sizes()).adapter(
        "lora", r=2, target_modules=["layers.0", "layers.1", "layers.2", "layers.3"]
    )
    expected = sum(2 * (16 + 4 * i + 16 + 4 * (i + 1)) for i in range(4))
    assert f.count(convention="trainable", **f.defaults) == expected


def test_sizes_are_searched_where_the_sum_has_a_closed_form():
    f = sc.derive(built(pyramid), config=Sizes())
    found = sc.solve(f, 50_000, free={"width": "1..40", "layers": "1..20"}, fixed={"step": 8})
    config = Sizes(found.best[0].values["width"], 8, found.best[0].values[f.notation["layers"].letter])
    assert real(built(pyramid), config) == found.best[0].count
    with pytest.raises(StructureError, match="a sum without a closed form"):
        sc.solve(sc.derive(built(halved), config=Sizes()), 50_000, free={"layers": "1..20"})


def test_a_size_below_zero_is_no_model():
    f = sc.derive(built(tapered), config=Sizes())
    with pytest.raises(DomainError, match="is required"):
        f.count(Sizes(other=5, step=8, layers=6))


N, I, K = ex.symbol("layers"), ex.symbol("#0"), ex.symbol("k")
LOOP = Loop("#0", "test", (ZERO, N, ONE), ())
SAID = {
    "below k": [(Predicate("<", I, K), True)],
    "from k on": [(Predicate("<", I, K), False)],
    "not the last": [(Predicate("==", I, ex.add(N, ex.const(-1))), False)],
    "one": [(Predicate("==", I, ex.const(2)), True)],
    "every fourth": [(Predicate("divides", ex.const(4), ex.add(I, ONE)), True)],
    "the others": [(Predicate("divides", ex.const(4), ex.add(I, ONE)), False)],
    "every kth": [(Predicate("divides", K, ex.add(I, ONE)), True)],
    "odd ones from k on": [(Predicate("divides", ex.const(2), I), False), (Predicate("<", I, K), False)],
}


@pytest.mark.parametrize("said", SAID)
def test_progressions_are_the_indices_of_which_it_is_said(said):
    for k in (1, 2, 3, 5):
        found = progressions(LOOP, dict(SAID[said]), Assumptions({"layers": 14, "k": k}))
        for layers in (6, 7, 14, 23):
            values = {"layers": layers, "k": k}
            indices = []
            for one in found:
                first, step, number = (ex.value_at(node, values) for node in one)
                indices += range(first, first + step * number, step)
            expected = [i for i in range(layers) if all(p.holds({**values, "#0": i}) is t for p, t in SAID[said])]
            assert sorted(indices) == expected, (k, layers)


W = ex.symbol("w")


@pytest.mark.parametrize("size", [
    lambda n: ex.add(W, ex.const(3 * n)), lambda n: ex.mul(ex.const(n * (n + 1) // 2), W), lambda n: ex.const(n**3 + 1),
    lambda n: ex.add(ex.mul(ex.const(3 * 2**n), W), ex.const(5)),
])  # fmt: skip
def test_a_sequence_is_found_and_goes_on(size):
    for first in (0, 1, 4):
        found = fitted(first, [polynomial(size(n)) for n in range(first, first + 7)])
        assert found.at(30) == polynomial(size(30))
        at_once = ex.value_at(found.node(ex.symbol("i")), {"w": 7, "i": 12})
        assert at_once == ex.value_at(size(12), {"w": 7})


@pytest.mark.parametrize("numbers", [[1, 2], [1, 2, 4], [1, 2, 3, 5], [2, 3, 5, 7, 11, 13, 17]])
def test_too_few_numbers_and_no_sequence_are_none(numbers):
    assert fitted(0, [polynomial(n) for n in numbers]) is None
