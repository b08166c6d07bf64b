"""Building models at unusual sizes makes transformers warn about token ids and the like; not here."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

__all__ = ["quiet"]

_LOCK: Final = threading.Lock()
_INSIDE: Final[set[object]] = set()  # one token for every block that is running, in whatever thread
_BEFORE: Final[list[Any]] = []  # what the first of them found, and the last one restores


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' log and Python warnings for a while; afterwards everything is as before.

    Both are the process's, not a thread's: where blocks in several threads overlap, it is quiet until the last ends.
    """
    token = object()
    try:
        _enter(token)
        yield
    finally:
        _leave(token)


def _enter(token: object) -> None:
    logger = logging.getLogger("transformers")
    with _LOCK:
        if not _INSIDE:
            caught = warnings.catch_warnings()
            _BEFORE[:] = logger.level, caught
            caught.__enter__()
            warnings.simplefilter("ignore")
            logger.setLevel(logging.CRITICAL)
        _INSIDE.add(token)


def _leave(token: object) -> None:
    with _LOCK:
        _INSIDE.discard(token)
        if not _INSIDE and _BEFORE:
            level, caught = _BEFORE
            _BEFORE.clear()
            logging.getLogger("transformers").setLevel(level)
            caught.__exit__(None, None, None)
