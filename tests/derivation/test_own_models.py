"""Classes of one's own, each with one thing that real models do, against what torch builds of them at other sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import ceil, gcd, isqrt
from typing import Any

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.concolic.values.expression import const, symbol  # noqa: E402
from symcount.concolic.values.path import Condition  # noqa: E402
from symcount.derivation.points import repair  # noqa: E402
from symcount.errors import ConfigError, DerivationError, DomainError, OptionError  # noqa: E402


@dataclass
class Sizes:
    """Sizes with the defaults of a small transformer."""

    width: int = 24
    heads: int = 4
    layers: int = 3
    extra: int = 10
    ratio: float = 2.5


OTHERS = (Sizes(30, 5, 5, 7), Sizes(12, 3, 1, 40, 1.5), Sizes(96, 12, 8, 96, 4.0))


def real(cls, config):
    with torch.device("meta"):
        return sum(p.numel() for p in cls(config).parameters())


def built(make: Callable[[nn.Module, Any], None]) -> type[nn.Module]:
    """A class whose constructor runs *make*."""

    class Own(nn.Module):
        def __init__(self, config):
            super().__init__()
            make(self, config)

    return Own


def sizes_of_tensors(model, c):
    model.a = nn.Linear(c.width, c.extra)
    model.b = nn.Parameter(torch.empty(model.a.weight.shape[1], model.a.weight.size(0)))
    model.c = nn.Parameter(torch.empty(model.b.numel()))
    model.d = nn.Parameter(torch.empty(model.a.weight.size()))
    model.e = nn.Parameter(data=torch.empty(model.b.size(dim=-1), 2))


def old_constructors(model, c):
    model.a = nn.Parameter(torch.Tensor(c.width, c.extra))
    model.b = nn.Parameter(torch.FloatTensor(c.extra, 2))
    model.c = nn.Parameter(torch.Tensor([1.0, 2.0]))


def numpy_functions(model, c):
    model.a = nn.Parameter(torch.empty(int(np.prod([c.width, c.extra]))))
    model.b = nn.Parameter(torch.empty(int(np.sum((c.width, c.extra)))))
    model.c = nn.Parameter(torch.empty(int(np.max([c.width, 5])), int(np.min([c.width, 300]))))
    model.d = nn.Parameter(torch.empty(int(np.ceil(c.width / 5)), int(np.floor(c.width / 7))))
    model.e = nn.Parameter(torch.empty(int(np.prod([2, 3], axis=0))))
    model.f = nn.Parameter(torch.empty(np.prod(c.extra), np.sum(c.width)))


def names_of_math(model, c):
    model.a = nn.Linear(c.extra, ceil(c.width / 7))
    model.b = nn.Linear(int(c.width * c.ratio), 2)
    model.c = nn.Linear(math.floor(c.extra / 3), 1, bias=False)


def gates(model, c):
    model.a = nn.GRU(c.width, c.extra, num_layers=2, bidirectional=True)
    model.b = nn.MultiheadAttention(c.width, c.heads)
    model.c = nn.Conv1d(c.width, 2 * c.width, 3, groups=c.width)
    model.d = nn.Bilinear(c.width, c.extra, 3)


def tables(model, c):
    model.layers = nn.ModuleDict({f"at_{i}": nn.Linear(c.width, c.width) for i in range(c.layers)})
    model.tail = nn.ParameterList([nn.Parameter(torch.empty(c.extra)) for _ in range(c.layers + 2)])
    model.frozen = nn.Embedding(c.extra, c.width)
    model.frozen.weight.requires_grad = False


def shared(model, c):
    model.embedding = nn.Embedding(c.extra, c.width)
    model.head = nn.Linear(c.width, c.extra, bias=False)
    model.head.weight = model.embedding.weight
    block = nn.Linear(c.width, c.width)
    model.layers = nn.ModuleList([block] * c.layers)


def nested_loops(model, c):
    model.stages = nn.ModuleList(
        nn.ModuleList(nn.Linear(c.width, c.width) for _ in range(c.heads)) for _ in range(c.layers)
    )


def a_triangle(model, c):
    model.pairs = nn.ModuleList(nn.Linear(c.width, 3) for i in range(c.layers) for _ in range(i + 1))


def every_second(model, c):
    for i in range(c.layers):
        model.add_module(f"layer{i}", nn.Linear(c.width, c.width) if i % 2 else nn.LayerNorm(c.width))


def what_the_config_asks(model, c):
    if c.width % c.heads != 0:
        raise ValueError("heads must divide width")
    if c.extra >= 4 * c.width:
        raise ValueError("too many extras")
    model.a = nn.Linear(c.width, c.width // c.heads)
    model.b = nn.Linear(c.extra, c.heads)


COUNTED = {f.__name__.replace("_", " "): f for f in (
    sizes_of_tensors, old_constructors, numpy_functions, names_of_math, gates, tables, shared, nested_loops, a_triangle,
    every_second, what_the_config_asks)}  # fmt: skip


@pytest.mark.parametrize("name", COUNTED)
def test_it_is_counted_at_any_size(name):
    cls = built(COUNTED[name])
    f = sc.derive(cls, config=Sizes())
    assert not f.pinned
    for config in (Sizes(), *OTHERS):
        assert f.count(config) == real(cls, config), (config, f.total, f.domain_text())
    assert f.certify(trials=3).passed == 3


def the_last_is_special(model, c):
    model.layers = nn.ModuleList(
        nn.Linear(c.width, c.width if i < c.layers - 1 else c.extra, bias=i > 0) for i in range(c.layers)
    )


def at_least_six(model, c):
    if c.layers < 6:
        raise ValueError("too few layers")
    model.layers = nn.ModuleList(nn.Linear(c.width, c.width if i else c.extra) for i in range(c.layers))


def stages(model, c):
    model.stages = nn.ModuleList(nn.Linear(c.width * 2**i, c.width * 2 ** (i + 1)) for i in range(c.layers))


def common_divisors(model, c):
    model.a = nn.Linear(gcd(c.width, c.heads), c.extra)


def roots(model, c):
    model.a = nn.Linear(isqrt(c.width), c.extra)
    model.b = nn.Linear(int(math.sqrt(c.heads)), c.extra)


def levels(model, c):
    model.a = nn.ModuleList(nn.Linear(c.extra, 1) for _ in range(int(math.log2(c.width))))


def bytes_of_a_number(model, c):
    model.a = nn.Linear((c.width.bit_length() + 7) // 8, c.extra)


def remainders(model, c):
    model.a = nn.Linear(c.width % 5 + 1, c.extra % c.heads + 1)


def a_table_of_primes(model, c):
    primes = [n for n in range(2, c.layers + 20) if all(n % m for m in range(2, n))]
    model.a = nn.ModuleList(nn.Linear(c.width, 1) for _ in primes)


#: With the fields that stay at their value, since no polynomial with floors says what the code computes of them.
CLEVER = {
    the_last_is_special: set(),
    at_least_six: set(),
    stages: set(),
    common_divisors: {"heads", "width"},
    roots: {"heads", "width"},
    levels: {"width"},
    bytes_of_a_number: {"width"},
    remainders: set(),
    a_table_of_primes: {"layers"},
}
DEEP = (
    *OTHERS, *(Sizes(layers=n) for n in (1, 2, 4, 7, 9, 13)), *(Sizes(width=w, heads=4) for w in (60, 64, 400)),
    Sizes(12, 3, 7, 11), Sizes(24, 4, 8, 30),
)  # fmt: skip


@pytest.mark.parametrize("make", CLEVER, ids=lambda f: f.__name__)
def test_it_is_counted_or_refused(make):
    cls = built(make)
    default = Sizes(layers=6 if make is at_least_six else 3)
    f = sc.derive(cls, config=default)
    assert set(f.pinned) == CLEVER[make]
    assert f.count(default) == real(cls, default)
    for config in DEEP:
        try:
            counted, built_here = f.count(config), real(cls, config)
        except (DomainError, OptionError, ValueError):  # refused, or there is no such model
            continue
        assert counted == built_here, (config, f.total, f.domain_text())


SIZED_BY_A_DEPTH = {
    "n // 2": lambda n, w: n // 2,
    "two of n // 2": lambda n, w: 2 * (n // 2),
    "n - n // 2": lambda n, w: n - n // 2,
    "n // 2 + 1": lambda n, w: n // 2 + 1,
    "(n + 1) // 2": lambda n, w: (n + 1) // 2,
    "int(n / 2)": lambda n, w: int(n / 2),
    "n // 3": lambda n, w: n // 3,
    "n >> 1": lambda n, w: n >> 1,
    "round(n / 4)": lambda n, w: round(n / 4),
    "-(-n // 4)": lambda n, w: -(-n // 4),
    "max(n // 2, 1)": lambda n, w: max(n // 2, 1),
    "min(n // 2, 3)": lambda n, w: min(n // 2, 3),
    "n (n - 1) // 2": lambda n, w: n * (n - 1) // 2,
    "n % 3": lambda n, w: n % 3 + 1,
    "w // n": lambda n, w: w // n,
    "n w // 3": lambda n, w: n * w // 3,
}


@pytest.mark.parametrize("default", [3, 10, 12])
@pytest.mark.parametrize("name", SIZED_BY_A_DEPTH)
def test_a_size_made_of_a_number_of_layers_keeps_its_condition(name, default):
    def make(model, c):
        model.table = nn.Parameter(torch.empty(SIZED_BY_A_DEPTH[name](c.layers, c.width), 2))
        model.layers = nn.ModuleList(nn.Linear(c.width, c.width) for _ in range(c.layers))

    cls = built(make)
    f = sc.derive(cls, config=Sizes(layers=default))
    assert f.count(Sizes(layers=default)) == real(cls, Sizes(layers=default))
    for layers in range(1, 26):
        try:
            found = f.count(Sizes(layers=layers))
        except (DomainError, OptionError):
            continue
        assert found == real(cls, Sizes(layers=layers)), (layers, f.total, f.domain_text())


def test_the_condition_of_a_size_is_said():
    def make(model, c):
        model.table = nn.Parameter(torch.empty(c.layers // 2, 2))
        model.layers = nn.ModuleList(nn.Linear(c.width, c.width) for _ in range(c.layers))

    f = sc.derive(built(make), config=Sizes(layers=10))
    assert f.domain_text() == "valid when 2 divides layers"
    with pytest.raises(DomainError, match="2 divides layers is required"):
        f.count(Sizes(layers=11))


@dataclass
class Experts:
    """Layers of another kind from one to another."""

    width: int = 24
    layers: int = 28
    first: int = 1
    last: int = 27
    every: int = 1


def some_with_experts(model, c):
    model.layers = nn.ModuleList(
        nn.Linear(c.width, 4 if (i + 1) % c.every == 0 and c.first <= i <= c.last else 1) for i in range(c.layers)
    )


@pytest.mark.parametrize(
    "default",
    [
        Experts(),
        Experts(layers=12, last=11, first=2),
        Experts(last=100),  # of no influence, as long as there are not more layers
    ],
    ids=str,
)
def test_layers_of_a_kind_end_where_a_field_says(default):
    cls = built(some_with_experts)
    f = sc.derive(cls, config=default)
    assert f.pinned == {}
    assert f.count(default) == real(cls, default)
    lasts = {default.last, default.last + 3, 6}
    others = [
        replace(default, layers=n, first=k, last=last, every=every)
        for n in (2, 3, 6, 7, 8, 12, 27, 28, 29, 40, 101, 120) for k in (default.first, 3, 6) for last in lasts
        for every in (1, 2, 3)
    ]  # fmt: skip
    counted = 0
    for config in others:
        try:
            found = f.count(config)
        except (DomainError, OptionError):
            continue
        counted += 1
        assert found == real(cls, config), (config, f.total, f.domain_text())
    assert counted > 100


@dataclass
class Listed:
    """Some layers are of another kind: a list that does not follow the number of layers."""

    width: int = 24
    layers: int = 16
    crossed: list[int] = field(default_factory=lambda: [3, 8, 13])


def some_of_a_list(model, c):
    model.layers = nn.ModuleList(nn.Linear(c.width, 3 if i in c.crossed else 1) for i in range(c.layers))


def as_many_as_listed(model, c):
    model.layers = nn.ModuleList(nn.Linear(c.width, 1) for i, _ in zip(range(c.layers), c.crossed, strict=False))


@pytest.mark.parametrize(
    ("make", "default"),
    [
        (some_of_a_list, Listed()),
        (some_of_a_list, Listed(layers=20, crossed=[1, 3, 5, 7, 9, 11])),
        (some_of_a_list, Listed(layers=12, crossed=[0, 1, 2, 3])),
        (as_many_as_listed, Listed(layers=4, crossed=[5, 6, 7, 8, 9, 10])),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_list_that_does_not_follow_the_layers_ends(make, default):
    cls = built(make)
    f = sc.derive(cls, config=default)
    assert f.count(default) == real(cls, default)
    for layers in (1, 2, 3, 4, 5, 6, 7, 9, 13, 14, 17, 18, 19, 23, 24, 28, 40, 100):
        config = replace(default, layers=layers)
        try:
            found = f.count(config)
        except (DomainError, OptionError):
            continue
        assert found == real(cls, config), (layers, f.total, f.domain_text())


@dataclass
class Tower:
    """A sub-config."""

    width: int = 8
    widths: list[int] = field(default_factory=lambda: [4, 6])


@dataclass
class Towers:
    """Sub-configs made in each way that a dataclass can make them."""

    left: Tower = field(default_factory=Tower)
    right: Tower = field(default_factory=lambda: Tower(12, [5, 7, 9]))
    more: list[Tower] = field(default_factory=lambda: [Tower(3), Tower(10)])
    joint: int | None = None

    def __post_init__(self):
        self.joint = self.left.width + self.right.width if self.joint is None else self.joint


class TwoTowers(nn.Module):
    """Each tower a chain of layers, and a layer on top of both."""

    config_class = Towers

    def __init__(self, config):
        super().__init__()
        for name, tower in (("left", config.left), ("right", config.right), *zip("ab", config.more, strict=False)):
            chain = [tower.width, *tower.widths]
            setattr(self, name, nn.Sequential(*(nn.Linear(a, b) for a, b in pairwise(chain))))
        self.top = nn.Linear(config.joint, 2)


FORMS = {
    "nothing": None,
    "a class": Towers,
    "an instance": Towers(),
    "arguments": {"joint": None},
    "a class and arguments": (Towers, {"joint": None}),
}


@pytest.mark.parametrize("form", FORMS)
def test_sub_configs_in_every_form(form):
    f = sc.derive(TwoTowers, config=FORMS[form])
    assert {e.field for e in f.notation} >= {"left.width", "right.widths[2]"}
    others = (Towers(Tower(9, [2, 3]), Tower(4, [8, 6, 2])), Towers(more=[Tower(7), Tower(6, [9, 1])]))
    for config in (Towers(), *others):
        assert f.count(config) == real(TwoTowers, config)
    with pytest.raises(OptionError, match="the formula"):
        f.count(Towers(more=[Tower(7, [1]), Tower(6)]))


def test_what_a_config_gives_is_no_longer_computed():
    f = sc.derive(TwoTowers, config=Towers(joint=31))
    assert f.count({}, **{e.letter: f.defaults[e.letter] for e in f.notation}) == real(TwoTowers, Towers(joint=31))
    assert f.notation["joint"].minimum == 1
    with pytest.raises(OptionError, match="the formula"):
        f.count(Towers(right=Tower(12, [5, 7])))


@pytest.mark.parametrize(
    ("source", "config", "error", "words"),
    [
        (built(tables), None, DerivationError, "Own names no config class; pass a config instance or class"),
        (built(tables), {"width": 3}, DerivationError, "Own cannot be constructed at these values: AttributeError"),
        (built(tables), 7, DerivationError, "cannot read a config from 'int'"),
        (built(tables), (Sizes, {"widht": 3}), DerivationError, "unexpected keyword argument 'widht'"),
        (built(tables), Tower(), DerivationError, "'Tower' object has no attribute 'layers'"),
        (7, None, ConfigError, "expected a model class, its name or a config, got int"),
    ],
)
def test_what_is_no_config_is_refused(source, config, error, words):
    with pytest.raises(error, match=words):
        sc.derive(source, config=config)


def test_fields_that_the_config_does_not_have_are_refused():
    words = r"^TwoTowers: its own class rejects this config: TypeError: .* unexpected keyword argument 'jiont'$"
    with pytest.raises(ConfigError, match=words):
        sc.derive(TwoTowers, config=None, jiont=5)
    assert sc.derive(TwoTowers, config=None, joint=5).count(Towers(joint=6)) == real(TwoTowers, Towers(joint=6))


class Written:
    """A config with a constructor of its own, which takes any name, as those of older models do."""

    attribute_map = {"hidden_size": "width"}  # noqa: RUF012  # as transformers has it

    def __init__(self, width=8, layers=4, more=None, **ignored):
        if (width == 8) != (more is None):
            raise ValueError("more is for other widths than 8")
        self.width, self.layers, self.more = width, layers, more
        self.unused = ignored

    @property
    def hidden_size(self):
        """The width by its other name."""
        return self.width


class OfWritten(nn.Module):
    """Layers as wide as the config says by an alias, and an option."""

    def __init__(self, config):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(config.hidden_size, config.hidden_size) for _ in range(config.layers))
        if config.more is not None:
            self.more = nn.Linear(config.hidden_size, config.more)


def test_a_config_with_a_constructor_of_its_own():
    f = sc.derive(OfWritten, config=Written())
    assert f.count({}, width=8, layers=9) == real(OfWritten, Written(layers=9))
    g = sc.derive(OfWritten, config=Written(10, 3, 5))  # half of its arguments would be refused
    assert g.count(Written(16, 6, 7)) == real(OfWritten, Written(16, 6, 7))
    with pytest.raises(OptionError, match=r"^OfWritten has no config field 'widht'\. Did you mean width\?$"):
        sc.derive(OfWritten, config=Written(), widht=9)


@dataclass
class Depths:
    """Two depths, neither of which may be small."""

    width: int = 6
    front: int = 12
    back: int = 12
    least: int = 9


class Deep(nn.Module):
    """Refuses what is not deep."""

    def __init__(self, config):
        super().__init__()
        if config.front < 9 or config.back < 9:
            raise ValueError("not deep enough")
        self.front = nn.ModuleList(nn.Linear(config.width, config.width) for _ in range(config.front))
        self.back = nn.ModuleList(nn.Linear(config.width, 1) for _ in range(config.back))


def test_depths_that_cannot_be_small():
    f = sc.derive(Deep, config=Depths())
    for config in (Depths(), Depths(7, 9, 14), Depths(5, 20, 9)):
        assert f.count(config) == real(Deep, config)


@dataclass
class Kinds:
    """A list with an element for each layer."""

    width: int = 6
    layers: int = 6
    kinds: tuple[str, ...] = ("short", "long") * 3
    differ: bool = False


class OfKinds(nn.Module):
    """Refuses a list that is not as long as there are layers; the layers of its two kinds are alike or not."""

    def __init__(self, config):
        super().__init__()
        if len(config.kinds) != config.layers:
            raise ValueError("not a kind for each layer")
        longer = 2 if config.differ else 1
        self.layers = nn.ModuleList(
            nn.Linear(config.width, config.width * (longer if kind == "long" else 1)) for kind in config.kinds
        )


def test_a_list_of_kinds_that_are_alike_is_as_long_as_there_are_layers():
    f = sc.derive(OfKinds, config=Kinds())
    assert f.depths == ("layers",)
    assert f.certify(trials=4, seed=1).passed == 4
    for config in (Kinds(), Kinds(7, 1, ("long",)), Kinds(5, 9, ("long", "short", "long") * 3)):
        assert f.count(config) == real(OfKinds, config)


def test_of_a_list_of_kinds_that_differ_the_numbers_are_counted():
    f = sc.derive(OfKinds, config=Kinds(differ=True))
    assert {e.field for e in f.notation} == {"width", "kinds#long", "kinds#short"}
    for config in (
        Kinds(7, 6, ("long", "short") * 3, differ=True),
        Kinds(7, 5, ("short", "long", "long", "long", "short"), differ=True),
    ):
        assert f.count(config) == real(OfKinds, config)


@dataclass
class Padded:
    vocabulary: int = 50254
    width: int = 64
    multiple: int = 64

    def __post_init__(self):
        if self.vocabulary % self.multiple != 0:
            self.vocabulary += self.multiple - self.vocabulary % self.multiple


@dataclass
class PaddedToANumber(Padded):
    def __post_init__(self):
        if self.vocabulary % 128:
            self.vocabulary = (self.vocabulary // 128 + 1) * 128


@pytest.mark.parametrize("config", [Padded, PaddedToANumber])
def test_a_size_that_is_padded_is_counted_where_it_need_not_be(config):
    class Table(nn.Module):
        def __init__(self, c: config):
            super().__init__()
            self.table = nn.Embedding(c.vocabulary, c.width)

    f = sc.derive(Table, config=config())
    assert not f.pinned
    for vocabulary in (1000, 1024, 50000, 51200, 63, 64, 65):
        assert f.count(config(vocabulary)) == real(Table, config(vocabulary))
    assert f.certify(trials=3).passed == 3


def test_a_rate_that_is_repaired_stays_a_rate():
    values = {"rate": 0.25}
    repair(values, [Condition("<=", symbol("rate", integral=False), const(0), "")], {"rate"})
    assert values == {"rate": 0.0}
    assert isinstance(values["rate"], float)  # an integer would be moved to one, which no rate is
