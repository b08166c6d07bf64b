"""Solving and ladders need what a plain installation has, and nothing that only an extra brings."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]

PLAIN = """
import sys
extra = {"torch", "transformers", "matplotlib", "hypothesis", "lark", "ortools", "torchinfo", "numba", "numexpr",
         "scipy", "pandas"}
class Plain:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in extra:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Plain())
"""


def plain(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PLAIN + code], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_not_plain_is_not_there():
    with pytest.raises(AssertionError, match="No module named 'torch'"):
        plain("import torch")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import symcount as sc; print(sc.solve('bert', '110M', free='H=64..4096:64').number)", "1"),
        ("import symcount as sc; print(sc.ladder('gpt2', '30M,100M').rungs[1].solution.values['H'])", "832"),
        ("from symcount.cli import run; run(['solve', 'gpt2', '-b', '124M', '--free', 'H=64..:64', '--json'])", "768"),
        ("from symcount.cli import run; run(['ladder', 'gpt2', '-b', '30M', '--json'])", '"H": 384'),
        ("import symcount as sc; print(sc.formula('gpt2').compile(vector=True)(V=1, L=1, H=2, N=1))", "82"),
    ],
)
def test_the_plain_installation_solves(code, said):
    assert said in plain(code)


def test_numpy_is_a_plain_dependency_and_the_old_extra_is_still_there():
    assert any(d.startswith("numpy") for d in PROJECT["dependencies"])
    assert PROJECT["optional-dependencies"]["solve"] == []


def test_what_needs_no_numpy_does_not_load_it():
    code = "import symcount as sc; sc.count('gpt2'); sc.formula('bert').latex(); print('numpy' in sys.modules)"
    assert plain(code) == "False\n"
    assert json.loads(plain("import symcount.solver.api, json; print(json.dumps('numpy' in sys.modules))")) is False
