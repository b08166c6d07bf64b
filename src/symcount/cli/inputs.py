"""What is to be counted: config files, directories of them, lines of a stream. Nothing here needs SymPy or typer."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from symcount.errors import ConfigError

__all__ = ["MAX_BYTES", "Input", "expand", "is_file_like", "lines", "parse"]

MAX_BYTES = 16 * 2**20  # published configs have a few kilobytes; id2label of the largest heads a megabyte

Input = tuple[str, "dict[str, Any] | ConfigError"]


def is_file_like(source: str) -> bool:
    """Whether an argument is meant as a file or directory rather than as a model's name."""
    return source.endswith(".json") or "/" in source or "\\" in source or _is("exists", Path(source))


def _is(what: str, path: Path) -> bool:
    """Whether the path exists, or is a directory; a name that no file can have is neither."""
    try:
        return bool(getattr(path, what)())
    except (OSError, ValueError):
        return False


def parse(data: bytes, source: str) -> dict[str, Any]:
    """The JSON object that *data* is.

    Raises:
        ConfigError: it is something else.
    """
    try:
        found = json.loads(data)
    except RecursionError:
        raise ConfigError(f"{source}: nested too deeply; expected a config.json") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{source}: not UTF-8 text; expected a config.json") from None
    except ValueError as error:
        if "integer string conversion" in str(error):
            raise ConfigError(f"{source}: a number has more digits than Python reads; expected a config.json") from None
        raise ConfigError(f"{source}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{source}: expected a JSON object, got {type(found).__name__}")
    return found


def expand(sources: Iterable[str]) -> Iterator[Input]:
    """Every config that *sources* name: files, and directories with all the configs below them.

    Of a directory, JSON objects that name neither `architectures` nor `model_type` are no configs and are passed over,
    unless the file is called `config.json`.
    """
    for source in sources:
        path = Path(source)
        if not _is("is_dir", path):
            yield source, _read(path)
            continue
        found = False
        for file in sorted(path.rglob("*.json")):
            config = _read(file)
            stated = isinstance(config, ConfigError) or "architectures" in config or "model_type" in config
            if stated or file.name == "config.json":
                found = True
                yield str(file), config
        if not found:
            yield source, ConfigError(f"{source}: no config.json in this directory")


def _read(path: Path) -> dict[str, Any] | ConfigError:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            return ConfigError(f"{path}: larger than {MAX_BYTES // 2**20} MiB; a config.json has a few kilobytes")
        return parse(data, str(path))
    except OSError as error:
        return ConfigError(f"{path}: {error.strerror or error}")
    except ConfigError as error:
        return error
    except ValueError as error:  # of the name
        return ConfigError(f"{str(path)!r:.80}: no file can have this name: {error}")


def lines(name: str) -> Iterator[Input]:
    """Every config of a JSON-lines file (`-`: standard input), read line by line.

    Raises:
        ConfigError: the file cannot be read.
    """
    if name == "-":
        yield from _lines(sys.stdin.buffer, "stdin")
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115  # closed below, after errors of opening are told from others
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
            try:
                yield source, parse(line, source)
            except ConfigError as error:
                yield source, error
