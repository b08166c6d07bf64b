"""Models as people write them who never heard of symcount: each is counted as torch builds it, far from its default."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn.utils.parametrizations import weight_norm  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.errors import DomainError, OptionError  # noqa: E402


def real(make, *config, **arguments):
    with torch.device("meta"):
        return sum(p.numel() for p in make(*config, **arguments).parameters())


def windows(size, kernel, stride=1, padding=0):
    return (size + 2 * padding - kernel) // stride + 1


class Pixels(nn.Module):
    """What plays Atari: the flattened size is computed from the windows of the convolutions."""

    def __init__(self, frames=4, h=84, w=84, actions=6, hidden=512):
        super().__init__()
        self.convs = nn.Sequential(nn.Conv2d(frames, 32, 8, 4), nn.Conv2d(32, 64, 4, 2), nn.Conv2d(64, 64, 3, 1))
        high, wide = (windows(windows(windows(size, 8, 4), 4, 2), 3) for size in (h, w))
        self.value = nn.Sequential(nn.Linear(64 * high * wide, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        self.advantage = nn.Linear(64 * high * wide, actions)


class Tried(nn.Module):
    """The flattened size is that of an image of zeros that went through the convolutions."""

    def __init__(self, inputs=1, size=28, first=8, second=16, classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(inputs, first, 3), nn.BatchNorm2d(first), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(first, second, 3, padding=1), nn.Dropout2d(), nn.AvgPool2d(2), nn.Conv2d(second, 3 * second, 1),
        )  # fmt: skip
        with torch.no_grad():
            number = self.features(torch.zeros(1, inputs, size, size)).flatten(1).shape[1]
        self.head = nn.Linear(number, classes)


class Basic(nn.Module):
    """A block whose shortcut is a convolution where the size changes."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class Cifar(nn.Module):
    """A residual network of `6 n + 2` layers, from the arguments of a command line."""

    def __init__(self, args):
        super().__init__()
        blocks = (args.depth - 2) // 6
        self.planes = args.width
        self.stem = nn.Conv2d(3, args.width, 3, 1, 1, bias=False)
        self.layer1 = self.stage(args.width, blocks, 1)
        self.layer2 = self.stage(args.width * 2, blocks, 2)
        self.fc = nn.Linear(args.width * 2, args.classes)

    def stage(self, planes, blocks, stride):
        layers = []
        for step in [stride] + [1] * (blocks - 1):
            layers.append(Basic(self.planes, planes, step))
            self.planes = planes
        return nn.Sequential(*layers)


class Dense(nn.Module):
    """Each layer sees all before it; between two blocks half of the channels are left."""

    def __init__(self, growth=12, start=24, factor=4, classes=10, blocks=(4, 4)):
        super().__init__()
        width = start
        self.layers = nn.ModuleList()
        for number in blocks:
            for j in range(number):
                inputs = width + j * growth
                self.layers.append(nn.Conv2d(inputs, factor * growth, 1))
                self.layers.append(nn.Conv2d(factor * growth, growth, 3))
            width += number * growth
            self.layers.append(nn.Conv2d(width, width // 2, 1))
            width //= 2
        self.head = nn.Linear(width, classes)


class Graph(nn.Module):
    """Attention over a graph: the last layer has one head and another size."""

    def __init__(self, inputs=50, hidden=8, outputs=7, heads=8, layers=3):
        super().__init__()
        self.layers = nn.ModuleList()
        for i in range(layers):
            last = i == layers - 1
            size, number = (outputs, 1) if last else (hidden, heads)
            self.layers.append(nn.ParameterDict({"w": nn.Parameter(torch.empty(number, inputs, size))}))
            inputs = number * size


class Speech(nn.Module):
    """Convolutions before a projected LSTM, whose inputs are what is left of the bands."""

    def __init__(self, bands=80, hidden=128, proj=64, layers=3, letters=30):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 32, 3, 2), nn.Conv2d(32, 32, 3, 2))
        left = 32 * (((bands - 1) // 2 - 1) // 2)
        self.lstm = nn.LSTM(left, hidden, layers, bidirectional=True, proj_size=proj)
        self.head = nn.Linear(2 * proj, letters)


class Waves(nn.Module):
    """Stacks of dilated convolutions."""

    def __init__(self, stacks=2, layers=5, residual=32, skip=48, kernel=2):
        super().__init__()
        self.blocks = nn.ModuleList()
        for _ in range(stacks):
            for i in range(layers):
                gate = weight_norm(nn.Conv1d(residual, 2 * residual, kernel, dilation=2**i))
                self.blocks.append(nn.ModuleDict({"gate": gate, "skip": nn.Conv1d(residual, skip, 1)}))


class Low(nn.Module):
    """A linear layer with a matrix of low rank beside it."""

    def __init__(self, base, rank):
        super().__init__()
        self.base = base
        self.a = nn.Parameter(torch.zeros(rank, base.in_features))
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))


class Replaced(nn.Module):
    """Layers that are replaced after they have been made."""

    def __init__(self, width=32, depth=3, rank=4):
        super().__init__()
        self.body = nn.Sequential(*[nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU()) for _ in range(depth)])
        for name, module in list(self.body.named_modules()):
            if isinstance(module, nn.Linear):
                parent, _, last = name.rpartition(".")
                setattr(self.body.get_submodule(parent), last, Low(module, rank))


class Branches(nn.Module):
    """Branches whose sizes are tuples in tuples."""

    def __init__(self, specs=((8, (9, 12), 4), (16, (12, 24), 6)), stem=6):
        super().__init__()
        self.blocks = nn.ModuleList()
        for one, (reduced, three), pooled in specs:
            self.blocks.append(nn.ModuleList([nn.Conv2d(stem, one, 1), nn.Conv2d(stem, reduced, 1)]))
            self.blocks.append(nn.ModuleList([nn.Conv2d(reduced, three, 3), nn.Conv2d(stem, pooled, 1)]))
            stem = one + three + pooled


class Base(nn.Module):
    """What others inherit from."""

    def __init__(self, width=32, depth=3, inputs=5, outputs=2):
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.last = nn.Linear(width, outputs)


class Wider(Base):
    """A class that says one argument itself, and hands the others on."""

    def __init__(self, more=7, **kwargs):
        super().__init__(outputs=9, **kwargs)
        self.more = nn.Linear(self.last.in_features, more)


class Everything(Base):
    """A class that hands on whatever it is given."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.more = nn.Linear(3, self.last.in_features)


@dataclass(frozen=True)
class Pattern:
    pattern: str = "MMAM"
    dim: int = 48
    heads: int = 4
    expand: float = 2.5


class Hybrid(nn.Module):
    """A letter for each layer, and a dict of what the letters stand for."""

    def __init__(self, cfg):
        super().__init__()
        inner = int(cfg.dim * cfg.expand)
        kinds = {
            "M": lambda: nn.Sequential(nn.Linear(cfg.dim, inner), nn.Conv1d(inner, inner, 3, groups=inner)),
            "A": lambda: nn.MultiheadAttention(cfg.dim, cfg.heads),
        }
        self.blocks = nn.ModuleList(kinds[letter]() for letter in cfg.pattern)


#: Model, and arguments at which it is compared with what torch builds.
MODELS = [
    (Pixels, [{"h": 97, "w": 61, "hidden": 9}, {"frames": 1, "actions": 3, "h": 40}]),
    (Tried, [{"size": 61, "second": 5}, {"inputs": 3, "size": 30, "first": 2, "classes": 7}]),
    (Dense, [{"growth": 7, "start": 9}, {"growth": 3, "factor": 2, "classes": 4}]),
    (Graph, [{"hidden": 3, "heads": 2, "layers": 7}, {"inputs": 9, "outputs": 4, "layers": 2}]),
    (Speech, [{"bands": 41, "hidden": 90, "proj": 7}, {"layers": 1, "letters": 4, "bands": 222}]),
    (Waves, [{"stacks": 3, "layers": 9}, {"residual": 7, "skip": 3, "kernel": 4, "layers": 1}]),
    (Replaced, [{"width": 5, "depth": 9}, {"rank": 1, "depth": 1}]),
    (Branches, [{"specs": ((3, (5, 7), 9), (1, (2, 3), 4))}, {"stem": 2}]),
    (Wider, [{"width": 50, "depth": 7, "more": 3}, {"inputs": 2}]),
    (Everything, [{"width": 9, "outputs": 4}, {"depth": 9}]),
]


@pytest.mark.parametrize(("make", "others"), MODELS, ids=lambda value: getattr(value, "__name__", ""))
def test_it_is_counted_as_it_is_built(make, others):
    f = sc.derive(make)
    for arguments in ({}, *others):
        assert f.count(arguments) == real(make, **arguments), arguments


def test_a_depth_of_which_a_part_is_counted():
    f = sc.derive(Cifar, config=argparse.Namespace(depth=20, width=16, classes=10))
    assert not f.pinned
    for depth, width in ((8, 3), (56, 16), (110, 5)):
        config = argparse.Namespace(depth=depth, width=width, classes=7)
        assert f.count(config) == real(Cifar, config)


def test_a_ratio_of_letters():
    f = sc.derive(Hybrid, config=Pattern())
    for config in (Pattern(dim=52, heads=2, expand=1.25), Pattern(dim=9, heads=3), Pattern("MA"), Pattern("AMMMMA")):
        assert f.count(config) == real(Hybrid, config)


class Stepped(nn.Module):
    """Rounded sizes that leave no expression, and no model where there are not three of them."""

    def __init__(self, slope=6.0, width=4):
        super().__init__()
        sizes = torch.round(torch.arange(4, device="cpu") * slope / 8).int().tolist()
        if len(set(sizes)) != 3:
            raise ValueError("expected three sizes")
        self.layers = nn.ModuleList(nn.Linear(width, size) for size in sizes)


def test_a_ratio_that_matters_only_nearby_is_kept():
    f = sc.derive(Stepped)
    assert "slope" in f.pinned and "width" not in f.pinned
    assert real(Stepped, slope=5.0) != real(Stepped) == f.count({})
    with pytest.raises(OptionError, match=r"slope = 5\.0, but the formula holds for slope = 6\.0"):
        f.count({"slope": 5.0})


def test_a_list_that_would_be_shorter_than_empty():
    f = sc.derive(Cifar, config=argparse.Namespace(depth=20, width=16, classes=10))
    with pytest.raises(DomainError, match="outside the formula's domain"):
        f.count({}, depth=5)
