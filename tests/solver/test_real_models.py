"""Random problems whose answers are built: a sample of `benchmarks/random_problems.py` in every run."""

import pytest

pytest.importorskip("transformers")

from benchmarks.random_problems import CLASSES, compare


@pytest.mark.parametrize("name", CLASSES[::5])
def test_the_solutions_are_those_that_transformers_builds(name):
    assert compare(name, 0)[0]


@pytest.mark.slow
def test_two_hundred_problems():
    assert sum(compare(name, seed)[0] for name in CLASSES for seed in range(5)) > 400
