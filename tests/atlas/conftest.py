"""An atlas of a single class, measured now."""

import json

import pytest


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A counter of an atlas of one class, made once for each; more arguments are those of `examine`."""
    from symcount.atlas.counting import Counter
    from symcount.atlas.store import Atlas
    from symcount.survey.build import assemble
    from symcount.survey.examine import activations, examine

    known = {}

    def counter(name, model_type, **terms):
        if name not in known:
            row = examine(name, model_type, False, **terms)
            assert "reason" not in row
            path = tmp_path_factory.mktemp("atlas") / "atlas.bin"
            assemble([row], path, activations(), {})
            known[name] = Counter(Atlas(path))
        return known[name]

    return counter


@pytest.fixture(scope="session")
def counted_or_refused():
    """A check: a counter refuses fields with certain words, or without such counts them as the real model has it."""
    from fuzzing.entries import real
    from symcount.errors import ConfigError, UncoveredError

    def check(counter, fields, words=""):
        if words:
            with pytest.raises((ConfigError, UncoveredError)) as refused:
                counter.count(fields)
            assert words in str(refused.value)
            return
        counted = counter.count(fields)[1]
        expected = real(json.dumps(fields).encode())
        assert {c: counted[c] for c in expected} == expected

    return check
