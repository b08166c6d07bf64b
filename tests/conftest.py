"""What tests of several parts use, and how they are shared out among processes."""

import gc

import pytest


def pytest_configure(config):
    """What is imported stays: to look through it for garbage takes a tenth of the time of the tests."""
    gc.set_threshold(50_000, 50, 50)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give the tests of a file to one process, which makes what they share once."""
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log)


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
