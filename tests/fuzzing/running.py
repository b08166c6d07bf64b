"""Inputs are taken in a process of their own, under limits of time and memory; what breaks a limit is a defect.

The process reports the number of each input before it takes it, so that one that hangs or dies is known by its number;
an input is made again from entry point, seed and number alone.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from random import Random
from typing import Any

from fuzzing.entries import _SHARE, ENTRIES, Entry

MEMORY = 4 * 2**30  # of address space, beyond what the process has after its imports


@dataclass
class Tally:
    """What became of the inputs of one entry point."""

    outcomes: Counter[str] = field(default_factory=Counter)
    defects: list[tuple[int, str]] = field(default_factory=list)
    seconds: float = 0.0
    longest: float = 0.0

    @property
    def tried(self) -> int:
        """How many inputs."""
        return self.outcomes.total()


@contextmanager
def hurried(seconds: float) -> Iterator[None]:
    """Leave with `TimeoutError` after *seconds*."""

    def late(*_: Any) -> None:
        raise TimeoutError

    old = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def made(entry: Entry, seed: int, number: int) -> Any:
    """The input of this number."""
    return entry.make(Random(f"{seed}/{entry.name}/{number}"))


def limited() -> None:
    """Bound the memory of this process."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # a file of the kernel's
        now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, resource.RLIM_INFINITY))


def _work(pipe: Connection, entry: Entry, seed: int, first: int) -> None:
    """Take inputs from number *first* on, as long as the other end says so."""
    import symcount  # noqa: F401  # before memory is bounded

    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    _warm(entry)
    limited()
    number = first
    with open(os.devnull, "w", encoding="utf-8") as silent, redirect_stderr(silent):  # noqa: PTH123  # a device
        while pipe.recv():
            item = made(entry, seed, number)
            start = time.perf_counter()
            try:
                outcome, detail = entry.take(item), ""
            except BaseException as error:  # noqa: BLE001  # that is what is looked for
                said = traceback.format_exc(limit=-4)
                outcome, detail = "defect", f"{type(error).__name__}: {said[-1800:]}"
            pipe.send((outcome, detail, time.perf_counter() - start))
            number += 1


def _warm(entry: Entry) -> None:
    """The imports and the data that the first input would wait for."""
    if "config" in entry.name or "stored" in entry.name or "FILE" in entry.name or "verify" in entry.name:
        import transformers.models.auto.modeling_auto

        if _SHARE[0]:
            import transformers.models.auto.modeling_auto  # noqa: F401

            import published.measure  # noqa: F401

            _uninitialised()
        from symcount.atlas.counting import counter

        counter()
    if "solve" in entry.name or "vector" in entry.name or "ladder" in entry.name:
        import numpy as np  # noqa: F401

        import symcount.solver.api
    import symcount as sc

    sc.formula("bert").count({})


def _uninitialised() -> None:
    """Leave the tensors of real models as they are: on the meta device, filling them does nothing but takes time."""
    import torch
    import transformers.initialization as own

    def nothing(tensor: Any, *_: Any, **__: Any) -> Any:
        return tensor

    for module in (torch.nn.init, own):
        for name, function in list(vars(module).items()):
            if callable(function) and name.endswith("_") and not name.startswith("_"):
                setattr(module, name, nothing)


class Worker:
    """A process that takes the inputs of one entry point, one after the other."""

    def __init__(self, entry: Entry, seed: int, first: int = 0) -> None:
        self.entry, self.seed, self.number = entry, seed, first
        self._start()

    def _start(self) -> None:
        self._pipe, other = multiprocessing.Pipe()
        arguments = (other, self.entry, self.seed, self.number)
        self._process = multiprocessing.get_context("fork").Process(target=_work, args=arguments, daemon=True)
        self._process.start()
        other.close()
        self._fresh = True

    def take(self, tally: Tally) -> None:
        """Take the next input."""
        self._pipe.send(True)
        allowed = self.entry.seconds + (120 if self._fresh else 1)
        self._fresh = False
        try:
            if not self._pipe.poll(allowed):
                raise TimeoutError
            outcome, detail, seconds = self._pipe.recv()
        except TimeoutError:
            outcome, detail, seconds = "defect", f"no answer in {allowed} s", allowed
        except (EOFError, ConnectionError):
            self._process.join(5)
            outcome, detail, seconds = "defect", f"the process died: {self._process.exitcode}", 0.0
        if outcome != "defect" and seconds > self.entry.seconds:
            outcome, detail = "defect", f"took {seconds:.1f} s, expected at most {self.entry.seconds} s"
        tally.outcomes[outcome] += 1
        tally.seconds += seconds
        tally.longest = max(tally.longest, seconds)
        if outcome == "defect":
            tally.defects.append((self.number, detail))
        self.number += 1
        if detail.startswith(("no answer", "the process died")):
            self.stop()
            self._start()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def run(entries: tuple[Entry, ...], seed: int, *, seconds: float = 0.0, inputs: int = 0) -> dict[str, Tally]:
    """Inputs for each of *entries*, by their weights: for so many seconds, or so many a unit of weight."""
    tallies = {entry.name: Tally() for entry in entries}
    whole = sum(entry.weight for entry in entries)
    for entry in entries:
        worker, tally = Worker(entry, seed), tallies[entry.name]
        end = time.monotonic() + seconds * entry.weight / whole
        try:
            while tally.tried < inputs * entry.weight if inputs else time.monotonic() < end:
                worker.take(tally)
        finally:
            worker.stop()
    return tallies


__all__ = ["ENTRIES", "Tally", "Worker", "hurried", "limited", "made", "run"]
