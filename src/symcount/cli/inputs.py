"""What is to be counted: config files, directories of them, lines of a stream. Nothing here needs SymPy or typer."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any

from symcount.config.files import MAX_BYTES, is_directory, load
from symcount.config.params import as_config
from symcount.errors import ConfigError, FileTypeError, SymcountError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Input", "expand", "lines"]

Input = tuple[str, "dict[str, Any] | bytes | SymcountError"]
"""Where a config is from, and its fields, its text, or why there is none."""


def expand(sources: Iterable[str]) -> Iterator[Input]:
    """Every config that *sources* name: files, and directories with all the configs below them.

    Of a directory, JSON objects that name neither `architectures` nor `model_type` are no configs and are passed over,
    as are files that are recognised as something else; a `config.json` that is not recognised is one.
    """
    for source in sources:
        if not is_directory(source):
            yield source, _read(source)
            continue
        from pathlib import Path

        path = Path(source)
        found, passed = False, ""
        for file in sorted(path.rglob("*.json")):
            config = _read(file)
            if said := _foreign(file, config):
                passed = passed or said
            elif isinstance(config, SymcountError) or file.name == "config.json" or _names(config):
                found = True
                yield str(file), config
        if not found:
            yield source, ConfigError(f"{source}: no config.json in this directory{'; ' if passed else ''}{passed}")


def _names(config: dict[str, Any]) -> bool:
    return "architectures" in config or "model_type" in config


def _foreign(file: Path, config: dict[str, Any] | SymcountError) -> str:
    """What a file is that is no config, in words; empty if that is not known."""
    if isinstance(config, FileTypeError):
        return str(config)
    if isinstance(config, SymcountError) or "architectures" in config:
        return ""
    from symcount.config.filetypes import check_typed, nameless

    try:
        if "model_type" in config:
            check_typed(config, str(file))
        elif config and isinstance(error := nameless(config, str(file)), FileTypeError):
            return str(error)
    except FileTypeError as error:
        return str(error)
    return ""


def _read(path: str | Path) -> dict[str, Any] | SymcountError:
    try:
        found = load(path)
        return as_config(found, os.path.dirname(path)) or found
    except SymcountError as error:
        return error


def lines(name: str) -> Iterator[Input]:
    """The text of every config of a JSON-lines file (`-`: standard input), read line by line.

    Raises:
        ConfigError: the file cannot be read.
    """
    if name == "-":
        yield from _lines(sys.stdin.buffer, "stdin")
        return
    try:
        file = open(name, "rb")  # noqa: SIM115  # closed below, after errors of opening are told from others
    except OSError as error:
        raise ConfigError(f"{name}: {error.strerror or error}") from None
    with file:
        yield from _lines(file, name)


def _lines(stream: IO[bytes], name: str) -> Iterator[Input]:
    number = 0
    while line := stream.readline(MAX_BYTES + 1):
        number += 1
        source = f"{name}:{number}"
        if len(line) > MAX_BYTES:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_BYTES)
            yield source, ConfigError(f"{source}: longer than {MAX_BYTES // 2**20} MiB; expected one config on a line")
        elif not line.isspace():
            yield source, line
