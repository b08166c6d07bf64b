"""What tests of several parts use."""

import pytest


@pytest.fixture
def call(capfd):
    """The command line: what it returns, and what it writes to standard output and error; never a traceback."""
    from symcount.cli import run

    def invoke(*arguments):
        code = run(list(arguments))
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return invoke
