"""Importing symcount is cheap: the budget, and that the measurement can fail."""

import importlib.util
import os
import subprocess
import sys

import pytest

BUDGET = 1.2
HEAVY = ("torch", "transformers", "numpy", "typer")


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    return done.stdout


def modules(code: str) -> int:
    """How many modules there are after *code*: the same number at every run, whatever else the machine does."""
    return int(python(f"{code}\nimport sys\nprint(len(sys.modules))"))


def processor_time(code: str, rounds: int = 3) -> float:
    """The least time that a processor spent on *code*: other programs hardly enter."""
    measured = f"import time\n{code}\nprint(time.process_time())"
    return min(float(python(measured)) for _ in range(rounds))


def loaded(code: str) -> set[str]:
    return set(python(f"import sys\n{code}\nprint(*(m for m in {HEAVY!r} if m in sys.modules))").split())


@pytest.mark.parametrize("cost", [modules, processor_time])
def test_import_is_within_the_budget(cost):
    assert cost("import symcount") < BUDGET * cost("import sympy")


AGAIN = """
import sys
for name in [m for m in sys.modules if m.startswith(("sympy", "mpmath"))]:
    sys.modules["first." + name] = sys.modules.pop(name)
"""


@pytest.mark.parametrize("cost", [modules, processor_time])
def test_the_budget_can_be_missed(cost):
    """Whatever loads SymPy's modules twice is too much by either measure."""
    assert cost(f"import sympy\n{AGAIN}\nimport sympy, symcount") > BUDGET * cost("import sympy")


@pytest.mark.parametrize(
    "code",
    [
        "import symcount",
        "from symcount import *",
        "import symcount; symcount.formula('BertForMaskedLM').latex(); symcount.count('gpt2')",
        "import symcount.verification.report",
    ],
)
def test_no_heavy_package_is_loaded(code):
    assert loaded(code) == set()


@pytest.mark.parametrize("module", HEAVY)
def test_a_heavy_package_would_be_seen(module):
    assert module in loaded(f"import types\nsys.modules[{module!r}] = types.ModuleType({module!r})\nimport symcount")


def test_no_module_has_the_name_of_a_verb():
    import symcount

    for name in symcount.__all__:
        if callable(getattr(symcount, name)):
            assert importlib.util.find_spec(f"symcount.{name}") is None, name


def test_every_public_name_is_there():
    import symcount

    for name in symcount.__all__:
        assert getattr(symcount, name) is not None
        assert name in dir(symcount)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = symcount.nonsense
