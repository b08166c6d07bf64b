"""Branches on the text of a layer's index: `f"layer_{i}" == "layer_200"`, which no run of few layers shows.

Every member is counted exactly at each number of layers, or refused; and what only names modules costs no condition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import symcount as sc  # noqa: E402
from symcount.concolic.python.texts import names_beyond, numbers_in, writes_unseen  # noqa: E402
from symcount.errors import DomainError, OptionError  # noqa: E402


@dataclass
class Sizes:
    """A few layers, by default."""

    width: int = 8
    num_layers: int = 4
    special: str = "layers.200"
    several: tuple[str, ...] = ("layers.3", "layers.300")


Choice = Callable[[int, Sizes], bool]

TEXTS: dict[str, Choice] = {
    "str": lambda i, c: str(i) == "200",
    "repr": lambda i, c: repr(i) == "200",
    "an f-string": lambda i, c: f"{i}" == "200",
    "a longer one": lambda i, c: f"layer_{i}" == "layer_200",
    "format": lambda i, c: "{}".format(i) == "200",  # noqa: UP032
    "%s": lambda i, c: "%s" % i == "200",  # noqa: UP031
    "%d": lambda i, c: "%d" % i == "200",  # noqa: UP031
    "%03d": lambda i, c: "%03d" % i == "200",  # noqa: UP031
    "one of several": lambda i, c: f"layers.{i}" in ("layers.200", "layers.301"),
    "one of a set": lambda i, c: str(i) in {"200", "301"},
    "a table": lambda i, c: {"300": True}.get(str(i), False),
    "of a sum": lambda i, c: str(i + 1) == "300",
    "the beginning": lambda i, c: str(i).startswith("30"),
    "the end": lambda i, c: str(i).endswith("0"),
    "how long it is": lambda i, c: len(str(i)) > 2,
    "two digits": lambda i, c: len(str(i)) == 2,
    "the first digit": lambda i, c: str(i)[0] == "2",
    "a digit": lambda i, c: "7" in str(i),
    "reversed": lambda i, c: str(i) == str(i)[::-1],
    "filled": lambda i, c: str(i).zfill(3) == "301",
    "read again": lambda i, c: int(str(i)) > 250,
    "hex": lambda i, c: hex(i) == "0xc8",
    "binary": lambda i, c: len(f"{i:b}") > 8,
    "ones": lambda i, c: bin(i).count("1") > 7,  # noqa: FURB161
    "chr": lambda i, c: chr(i) == chr(301),
    "bytes": lambda i, c: bytes(str(i), "ascii") == b"301",
    "a text of the config": lambda i, c: f"layers.{i}" == c.special,
    "texts of the config": lambda i, c: f"layers.{i}" in c.several,
}


def wider_where(chosen: Choice) -> type[nn.Module]:
    """Layers of which the *chosen* are wider."""

    class Model(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.layers = nn.ModuleList(
                [nn.Linear(c.width, (4 if chosen(i, c) else 1) * c.width) for i in range(c.num_layers)]
            )

    return Model


@pytest.mark.parametrize("chosen", TEXTS.values(), ids=TEXTS)
def test_what_the_text_of_an_index_decides_is_counted_or_refused(chosen):
    cls = wider_where(chosen)
    formula = sc.derive(cls, config=Sizes())
    answered = []
    for number in (1, 4, 12, 90, 130, 131, 201, 302, 400, 1000):
        try:
            found = formula.count(Sizes(8, number))
        except (OptionError, DomainError):
            continue
        with torch.device("meta"):
            assert found == sum(p.numel() for p in cls(Sizes(8, number)).parameters()), (number, formula.domain_text())
        answered.append(number)
    assert 4 in answered


class Named(nn.Module):
    """Layers with names, as everybody writes them; at most 300 of them, of no more than 512."""

    def __init__(self, c):
        super().__init__()
        for i in range(c.num_layers):
            self.add_module(f"layer_{i}", nn.Linear(c.width, 4 * c.width, dtype=torch.bfloat16))
        self.heads = nn.ModuleDict({str(i): nn.Linear(c.width, 10) for i in range(c.num_layers)})
        self.out = nn.Linear(c.width, 1000)


def test_names_of_modules_are_no_condition():
    config = Sizes(special="bfloat16", several=("relu6", "all of the 300 layers"))
    formula = sc.derive(Named, config=config)
    assert formula.domain_text() == "valid for all positive integers"
    assert any("num_layers = 130" in line for line in formula.story)  # as many as are ever built
    assert sc.verify(formula, num_layers=140).exact


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("layers.200", [200]), ("layer200.norm_2", [200, 2]), ("0xc8", [0, 8]), ("bfloat16", []), ("uint8", []),
        ("utf-8", []), ("of 300 layers", []), ("2024123112", []), ("", []),
    ],
)  # fmt: skip
def test_numbers_in_names(text, numbers):
    assert list(numbers_in(text)) == numbers


def test_what_code_is_written_with():
    def model(build):
        return type("Model", (), {"__init__": build, "__module__": __name__})

    assert names_beyond([model(lambda self, i: i > 250)], 129)
    assert names_beyond([model(lambda self, i: [j for j in range(i) if j in (3, 140)])], 129)
    assert not names_beyond([Named], 129)  # neither what describes a class nor a size says anything of layers
    assert writes_unseen([model(lambda self, i: "%5d" % i)])  # noqa: UP031
    assert writes_unseen([model(lambda self, i: hex(i))])
    assert not writes_unseen([Named])
