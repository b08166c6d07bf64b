"""Importing symcount is cheap: the budget, and that the measurement can fail."""

import os
import subprocess
import sys
import time

import pytest

BUDGET = 1.2
HEAVY = ("torch", "transformers", "numpy", "typer")


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    return done.stdout


def ratio(code: str, rounds: int = 5) -> float:
    """The best time of *code* over the best time of `import sympy`, taken in turns so that load hits both."""
    best = {code: float("inf"), "import sympy": float("inf")}
    for _ in range(rounds):
        for statement, so_far in best.items():
            start = time.perf_counter()
            python(statement)
            best[statement] = min(so_far, time.perf_counter() - start)
    return best[code] / best["import sympy"]


def loaded(code: str) -> set[str]:
    return set(python(f"import sys\n{code}\nprint(*(m for m in {HEAVY!r} if m in sys.modules))").split())


def test_import_is_within_the_budget():
    assert ratio("import symcount") < BUDGET


def test_the_budget_can_be_missed():
    assert ratio("import sympy, time; time.sleep(0.5); import symcount", rounds=2) > BUDGET


@pytest.mark.parametrize(
    "code",
    [
        "import symcount",
        "from symcount import *",
        "import symcount; symcount.formula('BertForMaskedLM').latex(); symcount.count('gpt2')",
        "import symcount.verify",
    ],
)
def test_no_heavy_package_is_loaded(code):
    assert loaded(code) == set()


@pytest.mark.parametrize("module", HEAVY)
def test_a_heavy_package_would_be_seen(module):
    assert module in loaded(f"import types\nsys.modules[{module!r}] = types.ModuleType({module!r})\nimport symcount")


@pytest.mark.parametrize("first", ["symcount.formula", "symcount.verify", "symcount.cli.app"])
def test_a_submodule_does_not_hide_the_verb_of_its_name(first):
    code = f"import {first}, symcount; print(symcount.formula.__name__, symcount.verify.__name__, symcount.Formula)"
    assert python(code).split()[:2] == ["formula", "verify"]
    assert python(f"import symcount; symcount.verify; import {first}; print(callable(symcount.verify))") == "True\n"


def test_every_public_name_is_there():
    import symcount

    for name in symcount.__all__:
        assert getattr(symcount, name) is not None
        assert name in dir(symcount)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = symcount.nonsense
