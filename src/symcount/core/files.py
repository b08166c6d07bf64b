"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from symcount.errors import ConfigError

__all__ = ["replacing"]


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary file beside *target*, to be filled; at the end it takes its place.

    Raises:
        ConfigError: it cannot be written; then *target* is as it was.
    """
    try:
        with NamedTemporaryFile(dir=target.parent, suffix=target.suffix, delete=False) as made:
            temporary = Path(made.name)
        try:
            yield temporary
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{target}: {error.strerror or error}") from None
