"""Many models at unusual sizes: no warnings about token ids and the like, no garbage collection, torch made quick."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from symcount.concolic.python.patches import Patch, Patches, finished, no_initialisation, quick_attributes
from symcount.concolic.tensors.mode import patches as constructors

__all__ = ["current", "quiet"]

_LOCK: Final = threading.Lock()
_INSIDE: Final[set[object]] = set()  # one token for every block that is running, in whatever thread
_BEFORE: Final[list[Any]] = []  # what the first of them found, and the last one restores


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' log and Python warnings for a while; afterwards everything is as before.

    The collector of cyclic garbage rests meanwhile: one pass over all that torch and transformers have loaded takes as
    long as building a dozen models on the meta device, and these have next to no cycles.

    A config's text is only its class: checking a value against an annotation like `A | B | None` makes the message of
    every alternative that fails, with the whole sub-config in it, which is half of the time of building a config.

    What is replaced in torch has an effect in a tracing thread only. It is replaced here, once for all traces, since
    each change of `torch.nn.Module` makes Python forget what it knows of all its sub-classes.

    All this is the process's, not a thread's: where blocks in several threads overlap, it lasts until the last ends.
    """
    token = object()
    try:
        _enter(token)
        yield
    finally:
        finished(partial(_leave, token))


def _enter(token: object) -> None:
    logger = logging.getLogger("transformers")
    with _LOCK:
        if not _INSIDE:
            caught = warnings.catch_warnings()
            patches = Patches([*_short_texts(), *constructors(), *no_initialisation(), *quick_attributes()])
            _BEFORE[:] = caught, logger.handlers, logger.propagate, gc.isenabled(), patches
            caught.__enter__()
            warnings.simplefilter("ignore")
            # another level would do, but changing it makes logging forget what it knows of thousands of loggers
            logger.handlers, logger.propagate = [logging.NullHandler()], False
            gc.disable()
            patches.__enter__()
        _INSIDE.add(token)


def _leave(token: object) -> None:
    with _LOCK:
        _INSIDE.discard(token)
        if not _INSIDE and _BEFORE:
            caught, handlers, propagate, collecting, patches = _BEFORE
            patches.__exit__(None, None, None)
            logger = logging.getLogger("transformers")
            logger.handlers, logger.propagate = handlers, propagate
            caught.__exit__(None, None, None)
            if collecting:
                gc.enable()
            _BEFORE.clear()  # last: an interrupt that arrives before it makes all this begin again


def current() -> object:
    """What stands for the outermost block that is running: another object for every one; `None` outside of them."""
    return _BEFORE[-1] if _BEFORE else None


def _short_texts() -> list[Patch]:
    configuration = sys.modules.get("transformers.configuration_utils")
    if configuration is None:  # the first model is still to be imported
        return []
    return [Patch(configuration.PreTrainedConfig, "__repr__", lambda self: f"{type(self).__name__}(…)")]
