"""What tests of several targets share."""

import pytest

from symcount.cli import run


@pytest.fixture
def call(capfd):
    def run_it(*arguments):
        code = run(list(arguments))
        written = capfd.readouterr()
        return code, written.out, written.err

    return run_it
