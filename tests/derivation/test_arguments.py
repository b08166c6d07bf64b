"""Classes and functions that take their sizes as arguments, written as tutorials write them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.derivation.user_code import address, load  # noqa: E402
from symcount.errors import ConfigError, DerivationError, OptionError, UnknownModelError  # noqa: E402


def real(make, **arguments):
    with torch.device("meta"):
        return sum(p.numel() for p in make(**arguments).parameters())


class Net(nn.Module):
    """A perceptron."""

    def __init__(self, width, depth, out=10, bias=True):
        super().__init__()
        self.width, self._depth = width, depth
        self.layers = nn.ModuleList([nn.Linear(width, width, bias=bias) for _ in range(depth)])
        self.head = nn.Linear(width, out)


class Perceptron(nn.Module):
    """A perceptron of a list of sizes."""

    def __init__(self, sizes=(784, 256, 10)):
        super().__init__()
        self.net = nn.Sequential(*[nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])])  # noqa: B905, RUF007


class Translator(nn.Module):
    """Torch's own encoder and decoder."""

    def __init__(self, vocab=50, d_model=32, nhead=4, ff=64, layers=3):
        super().__init__()
        self.emb = nn.Embedding(vocab, d_model)
        encoder = nn.TransformerEncoderLayer(d_model, nhead, ff, batch_first=True)
        self.encoder = nn.TransformerEncoder(encoder, layers, nn.LayerNorm(d_model), enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(d_model, nhead, ff), layers)


class Attentions(nn.Module):
    """Torch's own attention, with other widths for keys and values."""

    def __init__(self, width=16, heads=4, keys=10, values=12):
        super().__init__()
        self.a = nn.MultiheadAttention(width, heads, kdim=keys, vdim=values, add_bias_kv=True)
        self.b = nn.MultiheadAttention(width, heads)


class Recurrent(nn.Module):
    """Torch's own recurrent layers, with a projection."""

    def __init__(self, inputs=5, hidden=12, proj=4, layers=2):
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, num_layers=layers, proj_size=proj, bidirectional=True)
        self.gru = nn.GRU(inputs, hidden, layers)
        self.cell = nn.LSTMCell(inputs, hidden)


class Parametrised(nn.Module):
    """Weights made of others, by both of torch's ways."""

    def __init__(self, channels=4, kernel=3):
        super().__init__()
        self.a = parametrizations.weight_norm(nn.Conv1d(channels, 2 * channels, kernel))
        self.b = parametrizations.spectral_norm(nn.Linear(channels, 3 * channels))
        self.c = nn.utils.weight_norm(nn.Conv1d(channels, 2 * channels, kernel))


class Containers(nn.Module):
    """Every container of modules and parameters."""

    def __init__(self, width=8, number=3, names=("left", "right")):
        super().__init__()
        self.by_name = nn.ModuleDict({name: nn.Linear(width, width) for name in names})
        self.tables = nn.ParameterList([nn.Parameter(torch.zeros(width, i + 1)) for i in range(2)])
        self.pair = nn.ParameterDict({"x": nn.Parameter(torch.randn(width)), "y": nn.Parameter(torch.randn(number))})
        self.more = nn.ParameterList()
        for _ in range(number):
            self.more.append(nn.Parameter(torch.ones(width, width)))


class Convolutions(nn.Module):
    """A network of a list of channels."""

    def __init__(self, channels, classes=10, kernel=3):
        super().__init__()
        layers = []
        for i in range(len(channels) - 1):
            layers += [nn.Conv2d(channels[i], channels[i + 1], kernel), nn.BatchNorm2d(channels[i + 1]), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(channels[-1], classes)


def block(inputs, outputs, kernel=3):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel), nn.BatchNorm2d(outputs), nn.ReLU())


class UNet(nn.Module):
    """Blocks made in a function, channels that double."""

    def __init__(self, inputs=3, base=16, classes=2):
        super().__init__()
        self.down = nn.ModuleList([block(inputs, base), block(base, 2 * base), block(2 * base, 4 * base)])
        self.up = nn.ModuleList([nn.ConvTranspose2d(4 * base, 2 * base, 2, 2), block(4 * base, 2 * base)])
        self.out = nn.Conv2d(2 * base, classes, 1)


class Autoencoder(nn.Module):
    """Sizes there and back."""

    def __init__(self, inputs=784, hidden=[512, 256], latent=20):  # noqa: B006
        super().__init__()
        dims = [inputs, *hidden]
        self.encoder = nn.Sequential(*[nn.Sequential(nn.Linear(a, b)) for a, b in zip(dims[:-1], dims[1:])])  # noqa: B905, RUF007
        self.mean, self.spread = nn.Linear(dims[-1], latent), nn.Linear(dims[-1], latent)
        back = [latent, *dims[::-1]]
        self.decoder = nn.Sequential(*[nn.Linear(a, b) for a, b in zip(back[:-1], back[1:])])  # noqa: B905, RUF007


class Mixer(nn.Module):
    """Patches and channels."""

    def __init__(self, image=32, patch=4, width=16, depth=3, tokens=20, channels=64):
        super().__init__()
        assert image % patch == 0
        number = (image // patch) ** 2
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.blocks = nn.Sequential(*[
            nn.Sequential(nn.LayerNorm(width), nn.Linear(number, tokens), nn.Linear(tokens, number),
                          nn.Linear(width, channels), nn.Linear(channels, width)) for _ in range(depth)
        ])  # fmt: skip


class Mamba(nn.Module):
    """A state space model: a rank that is computed, a vocabulary that is padded, a tied head."""

    def __init__(self, width=32, depth=2, vocab=100, state=16, expand=2, rank="auto", kernel=4):
        super().__init__()
        inner = int(expand * width)
        rank = math.ceil(width / 16) if rank == "auto" else rank
        if vocab % 8 != 0:
            vocab += 8 - vocab % 8
        self.words = nn.Embedding(vocab, width)
        self.layers = nn.ModuleList()
        for _ in range(depth):
            layer = nn.Module()
            layer.inputs = nn.Linear(width, inner * 2, bias=False)
            layer.conv = nn.Conv1d(inner, inner, kernel, groups=inner)
            layer.x = nn.Linear(inner, rank + state * 2, bias=False)
            layer.log = nn.Parameter(torch.log(torch.arange(1, state + 1).float().repeat(inner, 1)))
            self.layers.append(layer)
        self.head = nn.Linear(width, vocab, bias=False)
        self.head.weight = self.words.weight


class Experts(nn.Module):
    """A size that follows another where it is not given."""

    def __init__(self, width=16, hidden=None, experts=4):
        super().__init__()
        hidden = hidden or 4 * width
        self.gate = nn.Linear(width, experts, bias=False)
        self.experts = nn.ModuleList([nn.Sequential(nn.Linear(width, hidden)) for _ in range(experts)])


def generator(noise=100, features=64, channels=3):
    return nn.Sequential(
        nn.ConvTranspose2d(noise, features * 8, 4, bias=False), nn.BatchNorm2d(features * 8), nn.ReLU(True),
        nn.ConvTranspose2d(features * 8, channels, 4),
    )  # fmt: skip


def perceptron(width, depth, out=2):
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, out))


class Many(nn.Module):
    """Any number of sizes, one of them by its place only."""

    def __init__(self, first, /, *sizes, kernel=3):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Conv1d(first, size, kernel) for size in sizes])


#: Model, arguments at which it is derived, others at which it is compared with what torch builds.
MODELS = (
    (Net, {"width": 64, "depth": 4}, [{"width": 32, "depth": 7}, {"width": 8, "depth": 1, "out": 3}]),
    (Perceptron, {}, [{"sizes": [10, 20, 5]}, {"sizes": (7, 8, 9)}]),
    (Translator, {}, [{"d_model": 64, "nhead": 8, "layers": 2, "ff": 9}, {"d_model": 96, "nhead": 6, "layers": 5}]),
    (Attentions, {}, [{"width": 24, "heads": 3, "keys": 7, "values": 9}, {"width": 8, "heads": 2, "keys": 30}]),
    (Recurrent, {}, [{"inputs": 7, "hidden": 20, "proj": 6, "layers": 1}, {"hidden": 30, "layers": 5}]),
    (Parametrised, {}, [{"channels": 7, "kernel": 5}, {"channels": 12}]),
    (Containers, {}, [{"width": 9, "number": 5, "names": ("a", "b", "c")}, {"width": 30, "number": 1}]),
    (Convolutions, {"channels": [3, 16, 32]}, [{"channels": [1, 8, 8]}, {"channels": [4, 5, 6], "kernel": 1}]),
    (UNet, {}, [{"base": 8, "inputs": 1}, {"base": 40, "classes": 5}]),
    (Autoencoder, {}, [{"latent": 3, "hidden": [100, 50]}, {"inputs": 9}]),
    (Mixer, {}, [{"width": 8, "image": 64}, {"width": 32, "depth": 1, "patch": 8}]),
    (Mamba, {}, [{"width": 64, "expand": 3, "vocab": 101}, {"width": 33, "depth": 4}, {"vocab": 15}]),
    (Experts, {}, [{"width": 8, "experts": 8}, {"width": 20}]),
    (generator, {}, [{"noise": 10, "features": 8}, {"channels": 1}]),
    (perceptron, {"width": 10, "depth": 3}, [{"width": 12, "depth": 5}, {"width": 3, "depth": 1, "out": 9}]),
    (partial(perceptron, depth=4), {"width": 10}, [{"width": 12, "depth": 5}, {"width": 3}]),
)  # fmt: skip


@pytest.mark.parametrize(("make", "at", "others"), MODELS, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")
def test_the_arguments_are_the_symbols(make, at, others):
    f = sc.derive(make, **at)
    assert not f.pinned
    for arguments in (at, *others):
        assert f.count(arguments or {}) == real(make, **arguments), arguments
    assert f.certify(trials=2).passed == 2


def test_sizes_by_their_place():
    f = sc.derive(Many, first=4, sizes=(5, 6))
    assert f.count({"first": 7, "sizes": [8, 9]}) == sum(p.numel() for p in Many(7, 8, 9).parameters())


def test_a_size_is_padded_or_not():
    f = sc.derive(Mamba)
    assert f.domain_text() == "valid for all positive integers"
    for vocab in (96, 97, 8, 103):
        assert f.count({}, vocab=vocab) == real(Mamba, vocab=vocab)


def test_an_option_is_one_value_of_an_argument():
    f = sc.derive(Net, width=8, depth=2)
    with pytest.raises(OptionError, match="bias = false, but the formula holds for bias = true"):
        f.count({"width": 8, "depth": 2, "bias": False})
    assert sc.derive(Experts, hidden=9).count({"width": 5, "hidden": 7}) == real(Experts, width=5, hidden=7)


@dataclass
class Sizes:
    """The arguments as a config."""

    width: int = 8
    depth: int = 2
    unused: str = ""


class Both(nn.Module):
    """A config, and arguments beside it."""

    def __init__(self, config: Sizes, classes=5, *, extra=3):
        super().__init__()
        self.body = nn.ModuleList(nn.Linear(config.width, config.width) for _ in range(config.depth))
        self.head = nn.Linear(config.width, classes)
        self.more = nn.Linear(extra, 2)


def test_a_config_may_be_the_arguments():
    f = sc.derive(Net, config=Sizes())
    assert f.count(Sizes(9, 4)) == real(Net, width=9, depth=4) == f.count({"width": 9, "depth": 4})


def test_a_config_and_arguments():
    f = sc.derive(Both, config=Sizes(), classes=7)
    assert f.count({"config": Sizes(5, 3), "classes": 9, "extra": 4}) == real(
        Both, config=Sizes(5, 3), classes=9, extra=4
    )
    assert f.count(Sizes(5, 3)) == real(Both, config=Sizes(5, 3), classes=7)
    assert sc.derive(Both).count(Sizes(4, 4)) == real(Both, config=Sizes(4, 4))  # the annotation says which config
    assert sc.derive(Both, config={"width": 6}).count({}) == real(Both, config=Sizes(6))


def test_a_module_that_exists():
    model = Net(9, depth=2)
    assert sc.derive(model).count({}) == sum(p.numel() for p in model.parameters())
    both = Both(Sizes(5))
    assert sc.derive(both, config=Sizes(5)).count(Sizes(6, 3)) == real(Both, config=Sizes(6, 3))
    with pytest.raises(ConfigError, match="this Both is not what its config or arguments make"):
        sc.derive(both, config=Sizes(6))
    with pytest.raises(ConfigError, match="this Both does not keep config as an attribute; give"):
        sc.derive(both)


@pytest.mark.parametrize(
    ("make", "arguments", "error", "words"),
    [
        (Net, {}, DerivationError, r"^Net needs width, depth: symcount.derive\(Net, width=…\)$"),
        (Net, {"widht": 3, "depth": 2}, OptionError, r"^Net takes no argument 'widht'. Did you mean width\?$"),
        (Net, {"width": "x", "depth": 2}, DerivationError, "^Net cannot be constructed at these values: TypeError"),
        (len, {}, ConfigError, "expected a model class, its name or a config, got builtin_function_or_method"),
    ],
)
def test_what_cannot_be_called_is_refused(make, arguments, error, words):
    with pytest.raises(error, match=words):
        sc.derive(make, **arguments)


CODE = """
from dataclasses import dataclass
from torch import nn
from helper_of_net import rounded

@dataclass
class Config:
    width: int = 8

class Net(nn.Module):
    def __init__(self, width=64, ratio=1.5):
        super().__init__()
        self.layer = nn.Linear(width, rounded(width, ratio))
"""
HELPER = "def rounded(width, ratio):\n    return 8 * int(width * ratio / 8 + 0.5)\n"


def test_a_class_in_a_file(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(CODE)
    (tmp_path / "helper_of_net.py").write_text(HELPER)
    (tmp_path / "broken.py").write_text("import no_such_module")
    (tmp_path / "leaving.py").write_text("raise SystemExit(3)")
    for text in (f"{tmp_path}/net.py:Net", f"{tmp_path}/net.py"):
        f = sc.derive(text, width=32)
        assert f.count({"width": 100}) == 101 * 152 and not f.pinned
    assert sc.derive(f"{tmp_path}/net.py:Net", config=f"{tmp_path}/net.py:Config").defaults["width"] == 8
    monkeypatch.chdir(tmp_path)
    assert sc.derive("net:Net").count({}) == 65 * 96
    for text, words in {
        "net.py:Nte": "net.py has no 'Nte'. Did you mean Net?",
        "other.py:Net": "other.py: no such file",
        "broken.py:Net": "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'",
        "leaving.py:Net": r"leaving.py cannot be imported: it calls exit\(3\)",
        "helper_of_net.py": "helper_of_net.py has 0 classes of modules; name one: helper_of_net.py:Name",
    }.items():
        with pytest.raises((ConfigError, UnknownModelError), match=words):
            load(text)


def test_what_is_no_address():
    for text in ("gpt2", "config.json", "C:\\models\\net", "http://x/y", "bert:", ":Net"):
        assert address(text) is None, text
