"""The command line: `symcount formula bert`. The only package that prints.

Results go to standard output and everything else to standard error. Exit codes: 0; 1 for a verification that found a
difference; 2 for a mistake in what was asked, told in one line; 130 for an interrupt;
141 if the reader of the output has gone.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main", "run"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    # what is imported and compiled stays: to look through it for garbage takes longer than a count
    gc.set_threshold(50_000, 50, 50)
    code = run(sys.argv[1:] if arguments is None else arguments)
    gc.freeze()  # the same at the end
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run the command line with *arguments*, and return the exit code."""
    from symcount.cli.output import complain
    from symcount.errors import SymcountError
    from symcount.foreign import foreign

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a path of any bytes can be named
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except SymcountError as error:
        return complain(str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has gone: nothing to say, and nobody to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except SystemExit as error:  # a shell was told how to complete; or the reader has gone while a command was writing
        return int(error.code or 0) if "_SYMCOUNT_COMPLETE" in os.environ else 141
    except OSError as error:
        return complain(f"cannot write: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001  # whatever it is, the user is told it in one line
        if isinstance(error, ValueError) and "integer string conversion" in str(error):
            return complain("a number has more digits than Python prints; give smaller values")
        kinds = {c.__name__ for c in type(error).__mro__}  # typer's own, whichever package they live in
        if "Abort" in kinds:
            return 130
        if "ClickException" not in kinds:
            return complain(str(foreign(error)))
        return complain(getattr(error, "format_message", error.__str__)())
    return code if isinstance(code, int) else 0


def _run(arguments: Sequence[str]) -> object:
    if arguments[:1] == ["count"]:
        from symcount.cli.quick_count import quick

        code = quick(arguments[1:])  # counting configs does not wait for typer and SymPy
        if code is not None:
            return code
    from symcount.cli.app import command

    return command()(list(arguments) or ["--help"], prog_name="symcount", standalone_mode=False)
