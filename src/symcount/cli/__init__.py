"""The command line: `symcount formula bert`. The only package that prints.

Results go to standard output and everything else to standard error. Exit codes: 0; 1 for a verification that found a
difference; 2 for a mistake in what was asked, told in one line; 130 for an interrupt;
141 if the reader of the output has gone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main", "run"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run the command line with *arguments*, and return the exit code."""
    import typer

    from symcount.cli.app import command
    from symcount.cli.output import complain
    from symcount.errors import SymcountError

    # typer's own errors derive from its ClickException, whichever package that lives in
    usage_error = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a path of any bytes can be named
    try:
        code = command()(list(arguments) or ["--help"], prog_name="symcount", standalone_mode=False)
        sys.stdout.flush()
    except SymcountError as error:
        return complain(str(error))
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:  # the reader has gone: nothing to say, and nobody to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except SystemExit:  # typer leaves in this way only where the reader has gone while a command was writing
        return 141
    except OSError as error:
        return complain(f"cannot write: {error.strerror or error}")
    except ValueError as error:
        if "integer string conversion" not in str(error):
            raise
        return complain("a number has more digits than Python prints; give smaller values")
    except Exception as error:
        if not isinstance(error, usage_error):
            raise  # a bug of ours, to be seen as one
        return complain(getattr(error, "format_message", error.__str__)())
    return code if isinstance(code, int) else 0
