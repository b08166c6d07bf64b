"""A number that cannot be followed is refused with the line of the code at which it was lost."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")

import symcount as sc  # noqa: E402
from symcount.errors import OptionError  # noqa: E402

PRIMES = [n for n in range(2, 200) if all(n % m for m in range(2, n))]


def digits(n):
    text = f"{n}"
    return len(text) * n


CODE = {
    "self.a = nn.Linear(width, len(str(width)))": "nn.Linear",
    "self.a = nn.Parameter(torch.empty(sum(map(int, str(width))), 3))": "torch.empty",
    "size = int.from_bytes(width.to_bytes(2, 'big'), 'big')": "size = int.from_bytes",
    "size = int(np.array([width, 3]).sum())": "size = int(np.array",
    "size = bytes(width).count(0)": "size = bytes",
    "size = digits(width)": "return len(text) * n",
    "size = int(math.sin(width) * 10) + 20": "size = int(math.sin",
    "size = {8: 3, 9: 5, 16: 7, 7: 9, 64: 11}[width]": "size = {8: 3",
    "size = int(''.join(reversed(str(width))))": "size = int(''.join",
    "size = width ^ 5": "size = width ^ 5",
}  # fmt: skip


def of(line, tmp_path):
    """A class with that line in its constructor, in a file of its own."""
    text = "\n".join([
        "import math", "import numpy as np", "import torch", "from torch import nn",
        f"PRIMES = {PRIMES}", "def digits(n):", "    text = f'{n}'", "    return len(text) * n",
        "class Own(nn.Module):", "    def __init__(self, width=8, other=3):", "        super().__init__()",
        "        size = 1", f"        {line}", "        self.b = nn.Linear(size, other)",
    ])  # fmt: skip
    file = tmp_path / "own.py"
    file.write_text(text)
    return f"{file}:Own"


@pytest.mark.parametrize("line", CODE)
def test_the_line_is_said(line, tmp_path):
    f = sc.derive(of(line, tmp_path))
    assert set(f.pinned) == {"width"}
    number = 8 if "digits" in line else 13
    assert f.lost_at("width").startswith(f"own.py:{number}: ") and CODE[line] in f.lost_at("width")
    with pytest.raises(
        OptionError, match=rf"width = 9, but the formula holds for width = 8 \(lost at own.py:{number}: "
    ):
        f.count({"width": 9})
    assert f.lost_at("other") == ""
