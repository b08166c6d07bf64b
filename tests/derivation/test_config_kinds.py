"""Configs of every kind that people write: the formula is that of the model, whatever its sizes come in."""

from __future__ import annotations

import argparse
from collections import namedtuple
from dataclasses import InitVar, asdict, dataclass, field, make_dataclass
from types import SimpleNamespace
from typing import NamedTuple

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.concolic.config.containers import source_of_other  # noqa: E402
from symcount.concolic.config.stand_ins import ConfigDict, original, stands_in  # noqa: E402
from symcount.errors import ConfigError, DerivationError, OptionError  # noqa: E402

FIELDS = {"vocab": 50, "width": 24, "heads": 4, "ratio": 2.5, "depth": 3, "head": True, "bias": False}
OTHERS = (
    {**FIELDS, "vocab": 77, "width": 36, "heads": 6, "depth": 5},
    {**FIELDS, "width": 12, "heads": 3, "depth": 1, "ratio": 3.0},
)


def real(cls, config):
    with torch.device("meta"):
        return sum(p.numel() for p in cls(config).parameters())


class Words(nn.Module):
    """Layers of attention and a perceptron, sized by attributes."""

    def __init__(self, c):
        super().__init__()
        self.words = nn.Embedding(c.vocab, c.width)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(c.width, c.width // c.heads * c.heads), nn.Linear(c.width, int(c.width * c.ratio)))
            for _ in range(c.depth)
        )
        if c.head:
            self.out = nn.Linear(c.width, c.vocab, bias=c.bias)


class OfItems(Words):
    """The same, sized by items."""

    def __init__(self, c):
        values = {name: c[name] for name in ("vocab", "width", "depth", "head")}
        super().__init__(SimpleNamespace(**values, heads=c.get("heads"), ratio=c.get("ratio", 4.0), bias=c["bias"]))


class Unpacked(Words):
    """The same, sized by all items at once."""

    def __init__(self, c):
        super().__init__(SimpleNamespace(**c))


class OfVars(Words):
    """The same, sized by what the config has."""

    def __init__(self, c):
        super().__init__(SimpleNamespace(**vars(c)))


class OfDict(Words):
    """The same, sized by a copy of a dataclass."""

    def __init__(self, c):
        super().__init__(argparse.Namespace(**asdict(c)))


class OfTuple(Words):
    """The same, sized by the parts of a tuple."""

    def __init__(self, c):
        vocab, width, heads, *rest = c
        super().__init__(SimpleNamespace(vocab=vocab, width=width, heads=heads, **dict(zip(c._fields[3:], rest))))  # noqa: B905


TYPES = {name: type(value) for name, value in FIELDS.items()}
Plain = make_dataclass("Plain", [(n, t, FIELDS[n]) for n, t in TYPES.items()])
Slotted = make_dataclass("Slotted", TYPES.items(), slots=True)
Frozen = make_dataclass("Frozen", TYPES.items(), slots=True, frozen=True, kw_only=True)
Named = namedtuple("Named", FIELDS)  # noqa: PYI024


class Typed(NamedTuple):
    """A named tuple with defaults."""

    vocab: int = 50
    width: int = 24
    heads: int = 4
    ratio: float = 2.5
    depth: int = 3
    head: bool = True
    bias: bool = False


class Written:
    """A plain class whose constructor takes what its attributes are."""

    def __init__(self, vocab=50, width=24, heads=4, ratio=2.5, depth=3, head=True, bias=False):
        self.vocab, self.width, self.heads, self.ratio, self.depth = vocab, width, heads, ratio, depth
        self.head, self.bias = head, bias
        self.inner = 4 * width


class Open:
    """A plain class that takes anything."""

    def __init__(self, **fields):
        self.__dict__.update(fields)


class Slots:
    """A plain class with slots."""

    __slots__ = tuple(FIELDS)

    def __init__(self, **fields):
        for name, value in fields.items():
            setattr(self, name, value)


class Computing:
    """A plain class that keeps other things than it gives."""

    def __init__(self, fields):
        self._fields, self._heads, self._size = fields, fields["heads"], fields["width"] // fields["heads"]

    @property
    def width(self):
        """Product of what it keeps."""
        return self._heads * self._size

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self._fields[name]


class Items(dict):
    """The usual dict whose items are attributes."""

    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class Itself(dict):
    """Another of these."""

    def __init__(self, **fields):
        super().__init__(**fields)
        self.__dict__ = self


class Classy:
    """The data of a class, which an instance changes."""

    vocab, width, heads, ratio, depth, head, bias = FIELDS.values()


def classy(**fields):
    made = Classy()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


KINDS = {
    "a dataclass": (Plain, Words),
    "a dataclass, copied": (Plain, OfDict),
    "a dataclass with slots": (Slotted, Words),
    "a frozen dataclass with slots": (Frozen, Words),
    "a named tuple": (Named, Words),
    "a named tuple with defaults, taken apart": (Typed, OfTuple),
    "a namespace": (SimpleNamespace, Words),
    "the variables of a namespace": (SimpleNamespace, OfVars),
    "arguments of a command line": (argparse.Namespace, Words),
    "a plain class": (Written, Words),
    "a plain class that takes anything": (Open, Words),
    "a plain class with slots": (Slots, Words),
    "a plain class that computes": (lambda **fields: Computing(fields), Words),
    "the data of a class": (classy, Words),
    "a dict": (dict, OfItems),
    "a dict, unpacked": (dict, Unpacked),
    "a dict of attributes": (Items, Words),
    "a dict that is its own attributes": (Itself, Words),
}


def pydantic_model(**fields):
    pydantic = pytest.importorskip("pydantic")

    class Checked(pydantic.BaseModel):
        vocab: int = 50
        width: int = pydantic.Field(24, gt=0)
        heads: int = 4
        ratio: float = 2.5
        depth: int = 3
        head: bool = True
        bias: bool = False

        @pydantic.model_validator(mode="after")
        def divisible(self):
            if self.width % self.heads:
                raise ValueError("heads must divide width")
            return self

    return Checked


def counted(cls, make):
    f = sc.derive(cls, config=make(**FIELDS))
    assert not f.pinned
    for fields in (FIELDS, *OTHERS):
        assert f.count(make(**fields)) == real(cls, make(**fields)), fields
    with pytest.raises(OptionError, match=r"bias = true, but the formula holds for \S*bias = false"):
        f.count(make(**{**FIELDS, "bias": True}))
    assert f.certify(trials=2).passed == 2
    return f


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_is_counted_whatever_its_sizes_come_in(kind):
    make, cls = KINDS[kind]
    f = counted(cls, make)
    assert {name.rpartition(".")[2]: value for name, value in f.options.items()} == {"head": True, "bias": False}


def test_a_model_of_pydantic_keeps_its_sizes_through_its_checks():
    f = counted(Words, pydantic_model())
    assert f.domain_text() == "valid when heads divides width"


@pytest.mark.parametrize("cls", [Words, OfItems, Unpacked])
def test_a_config_of_omegaconf(cls):
    create = pytest.importorskip("omegaconf").OmegaConf.create
    counted(cls, lambda **fields: create(fields))


@dataclass
class Nested:
    """Configs of other kinds in a dataclass."""

    body: Slotted = field(default_factory=lambda: Slotted(*FIELDS.values()))
    more: dict = field(default_factory=lambda: {"k": 3, "sizes": [1, 2], "tall": True})
    space: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(z=5))
    stages: list = field(default_factory=lambda: [{"width": 3, "number": 2}, {"width": 5, "number": 1}])
    pairs: tuple = ((3, 4), (5, 6))


class OfNested(nn.Module):
    """Uses all of them."""

    def __init__(self, c):
        super().__init__()
        self.body = Words(c.body)
        self.a = nn.Linear(c.more["k"], c.space.z, bias=c.more["tall"])
        self.b = nn.Linear(*c.more["sizes"])
        self.stages = nn.ModuleList(
            nn.ModuleList(nn.Linear(s["width"], 7) for _ in range(s["number"])) for s in c.stages
        )
        self.pairs = nn.ModuleList(nn.Linear(a, b) for a, b in c.pairs)


def test_configs_of_all_kinds_inside_one_another():
    f = sc.derive(OfNested, config=Nested())
    other = Nested(
        Slotted(**OTHERS[0]), {"k": 9, "sizes": [3, 4], "tall": True}, SimpleNamespace(z=2),
        [{"width": 4, "number": 6}, {"width": 1, "number": 3}], ((1, 1), (9, 2)),
    )  # fmt: skip
    for config in (Nested(), other):
        assert f.count(config) == real(OfNested, config)
    assert {"stages[1].width", "more.sizes[0]", "space.z", "pairs[1][0]"} <= {e.field for e in f.notation}
    with pytest.raises(OptionError, match=r"more.tall = false, but the formula holds for more.tall = true"):
        f.count(Nested(more={"k": 3, "sizes": [1, 2], "tall": False}))


class Optional(nn.Module):
    """Asks for what need not be there."""

    def __init__(self, c):
        super().__init__()
        bias = c.get("bias", True) if isinstance(c, dict) else getattr(c, "bias", True)
        self.out = nn.Linear(c["width"] if isinstance(c, dict) else c.width, 3, bias=bias)


@pytest.mark.parametrize("make", [dict, Items, SimpleNamespace, Open])
def test_what_was_left_out_matters_where_it_is_given(make):
    f = sc.derive(Optional, config=make(width=4))
    assert f.count(make(width=5, bias=True)) == 18  # given, and as it was
    with pytest.raises(OptionError, match="bias = false, but the formula holds for bias left out"):
        f.count(make(width=5, bias=False))


@dataclass
class Doubled:
    """Takes what is no field, changes a field, and gains an attribute."""

    width: int = 4
    factor: InitVar[int] = 3

    def __post_init__(self, factor):
        self.width *= factor
        self.extra = self.width + 1


class OfDoubled(nn.Module):
    """Uses the attribute, too."""

    def __init__(self, c):
        super().__init__()
        self.out = nn.Linear(c.width, c.extra)


def test_a_dataclass_that_its_fields_do_not_make_again():
    f = sc.derive(OfDoubled, config=Doubled())
    for config in (Doubled(), Doubled(5), Doubled(7, 2)):
        assert f.count(config) == real(OfDoubled, config)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"a.b": 3}, "a config whose keys are no names cannot be followed"),
        ({3: 3}, "a config whose keys are no names cannot be followed"),
        (7, "cannot read a config from 'int'"),
        ("width", "cannot read a config from 'str'"),
        (SimpleNamespace(), "Words cannot be constructed at these values: AttributeError: .* no attribute 'vocab'"),
    ],
    ids=str,
)
def test_what_cannot_be_a_config(config, words):
    with pytest.raises((DerivationError, ConfigError), match=words):
        sc.derive(Words, config=config)


def test_a_config_of_another_class_is_refused():
    f = sc.derive(Words, config=Written())
    with pytest.raises(ConfigError, match=r"^Open is not the config of Words; expected Written$"):
        f.count(Open(**FIELDS))
    assert f.count({"width": 36, "heads": 6}) == real(Words, Written(width=36, heads=6))
    with pytest.raises(ConfigError, match="unexpected keyword argument 'widht'"):
        f.count({"widht": 36})


def test_what_stands_in_is_one_of_the_class():
    for kind, (make, _) in KINDS.items():
        config = make(**FIELDS)
        source = source_of_other(config)
        if source is None:  # a dataclass
            continue
        made = source.cls(**source.kwargs)
        assert isinstance(made, type(config)), kind
        assert stands_in(type(made)) and original(type(made)) is (
            ConfigDict if kind.startswith("a dict,") or kind == "a dict" else type(config)
        )
        assert source_of_other(made).cls is source.cls
