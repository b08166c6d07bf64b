"""Own models with a list, or a text, that says of which kind each layer is: the formula has the number of each kind."""

import random
from dataclasses import dataclass, field

import pytest

import symcount as sc
from symcount.errors import SymcountError

torch = pytest.importorskip("torch")
nn = torch.nn


def attention(width):
    return nn.ModuleDict({"query": nn.Linear(width, width), "key": nn.Linear(width, width)})


def feed_forward(width):
    return nn.ModuleDict({"up": nn.Linear(width, 4 * width), "down": nn.Linear(4 * width, width)})


def mixer(width):
    return nn.ModuleDict({"conv": nn.Conv1d(width, width, 3), "query": nn.Linear(width, width)})


MADE = {"a": attention, "f": feed_forward, "m": mixer}


@dataclass
class Kinds:
    width: int = 24
    layers: int = 6
    kinds: list[str] = field(default_factory=lambda: ["a", "f", "a", "m", "f", "a"])


@dataclass
class Tower:
    width: int = 16
    types: tuple[str, ...] = ("a", "f", "a", "a")


@dataclass
class Nested:
    words: int = 100
    tower: Tower = field(default_factory=Tower)


class Listed(nn.Module):
    """Each kind has another block, of which some tensors are of the same size."""

    def __init__(self, config: Kinds):
        super().__init__()
        self.layers = nn.ModuleList([MADE[kind](config.width) for kind in config.kinds])


class Indexed(nn.Module):
    """All kinds but one have the same further block; the number of layers is a field."""

    def __init__(self, config: Kinds):
        super().__init__()
        self.layers = nn.ModuleList()
        for i in range(config.layers):
            block = nn.ModuleDict({"norm": nn.LayerNorm(config.width), "mix": MADE[config.kinds[i]](config.width)})
            if config.kinds[i] != "f":
                block["mlp"] = feed_forward(config.width)
            self.layers.append(block)


class Inside(nn.Module):
    """The list is in a config inside, and the layers are attributes of their own."""

    def __init__(self, config: Nested):
        super().__init__()
        self.embed = nn.Embedding(config.words, config.tower.width)
        for i, kind in enumerate(config.tower.types):
            self.add_module(f"layer{i}", MADE[kind](config.tower.width))


class Flags(nn.Module):
    def __init__(self, width=16, dense=(True, False, True, True)):
        super().__init__()
        self.layers = nn.ModuleList([(feed_forward if each else attention)(width) for each in dense])


class Letters(nn.Module):
    def __init__(self, width=16, pattern="aafam"):
        super().__init__()
        self.layers = nn.ModuleList([MADE[letter](width) for letter in pattern])


class Cyclic(nn.Module):
    """The text is repeated: the depth is no length of it."""

    def __init__(self, width=16, depth=8, pattern="afaf"):
        super().__init__()
        self.layers = nn.ModuleList([MADE[pattern[i % len(pattern)]](width) for i in range(depth)])


class Neighbours(nn.Module):
    """The order matters: there is one more where two neighbours differ."""

    def __init__(self, config: Kinds):
        super().__init__()
        pairs = zip(config.kinds, config.kinds[1:], strict=False)
        self.between = nn.ModuleList([nn.Linear(config.width, 1) for one, other in pairs if one != other])
        self.layers = nn.ModuleList([MADE[kind](config.width) for kind in config.kinds])


class Parity(nn.Module):
    """The layers that are not listed are of two kinds, by their index."""

    def __init__(self, width=16, depth=6, chosen=(1, 4)):
        super().__init__()
        others = (mixer, feed_forward)
        self.layers = nn.ModuleList([(attention if i in chosen else others[i % 2])(width) for i in range(depth)])


class Placed(nn.Module):
    """The kind matters from the third layer on."""

    def __init__(self, config: Kinds):
        super().__init__()
        several = enumerate(config.kinds)
        self.layers = nn.ModuleList([(MADE[kind] if i >= 2 else mixer)(config.width) for i, kind in several])


def kinds(rng, letters="afm"):
    found = [*letters, *(rng.choice(letters) for _ in range(rng.randrange(8)))]
    rng.shuffle(found)
    return {"width": rng.randrange(2, 50), "layers": len(found), "kinds": found}


def tower(rng):
    found = kinds(rng, "af")
    return {"words": rng.randrange(2, 90), "tower": {"width": found["width"], "types": tuple(found["kinds"])}}


def flags(rng):
    found = kinds(rng, "af")
    return {"width": found["width"], "dense": tuple(kind == "a" for kind in found["kinds"])}


def letters(rng):
    found = kinds(rng)
    return {"width": found["width"], "pattern": "".join(found["kinds"])}


def real(cls, config, fields):
    made = {**fields, "tower": Tower(**fields["tower"])} if "tower" in fields else fields
    with torch.device("meta"):
        model = cls(**made) if config is None else cls(config(**made))
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("cls", "config", "draw"),
    [
        (Listed, Kinds, kinds),
        (Indexed, Kinds, kinds),
        (Inside, Nested, tower),
        (Flags, None, flags),
        (Letters, None, letters),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_any_list_is_counted(cls, config, draw):
    f, rng = sc.derive(cls) if config is None else sc.derive(cls, config=config()), random.Random(1)
    assert not f.pinned
    assert f.count({}) == real(cls, config, {})
    for _ in range(12):
        fields = draw(rng)
        assert f.count(fields) == real(cls, config, fields), fields


@pytest.mark.parametrize(
    ("cls", "config", "draw"),
    [
        (Neighbours, Kinds, kinds),
        (Placed, Kinds, kinds),
        (Cyclic, None, letters),
        (Parity, None, lambda rng: {"chosen": tuple(sorted(rng.sample(range(6), 2)))}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_where_the_order_matters_the_list_is_taken_as_it_is(cls, config, draw):
    f, rng = sc.derive(cls) if config is None else sc.derive(cls, config=config()), random.Random(2)
    assert not any("#" in name for name in (*f.pinned, *(e.field for e in f.notation)))
    assert f.count({}) == real(cls, config, {})
    for _ in range(12):
        fields = draw(rng)
        try:
            counted = f.count(fields)
        except SymcountError:
            continue
        assert counted == real(cls, config, fields), fields


def test_a_text_that_is_repeated_leaves_the_depth_free():
    f = sc.derive(Cyclic)
    for depth in (1, 5, 30):
        assert f.count({"depth": depth}) == real(Cyclic, None, {"depth": depth})
