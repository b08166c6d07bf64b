"""Processes that examine classes, one at a time, and that may hang, die or be killed.

A worker is a thread of ours that feeds a process of its own (a module run with `python -m`, which answers each JSON
line with one), kills it when a class takes too long, and starts another. A process serves a limited number of classes:
every modelling module that it has loaded makes the next trace slower.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

__all__ = ["Candidate", "Service", "answers", "serve"]

Answer = TypeVar("Answer")
LIFETIME = 60  # classes that one process examines
STARTING = 300.0  # seconds that a process may take to import torch and transformers, before any class's time counts


@dataclass(frozen=True)
class Candidate:
    """A class of the auto mappings: its name, the model type it stands under, and whether it is a base model."""

    name: str
    model_type: str
    base: bool


@dataclass(frozen=True)
class Service(Generic[Answer]):
    """What examines classes.

    Attributes:
        module: what a process runs.
        terms: what it is told besides the class.
        timeout: seconds for one class.
        read: an answer made of the process's JSON; raises `ValueError`, `KeyError` or `TypeError` where it is none.
        lost: the answer where there was none: for which class, whether it took too long, what happened.
    """

    module: str
    terms: Mapping[str, Any]
    timeout: float
    read: Callable[[Any], Answer]
    lost: Callable[[Candidate, bool, str], Answer]


def answers(service: Service[Answer], chosen: Iterable[Candidate], jobs: int) -> Generator[Answer, None, None]:
    """The answers for all *chosen* classes, as they become known; closing the iterator ends the processes."""
    pending: queue.SimpleQueue[Candidate] = queue.SimpleQueue()
    number = 0
    for candidate in chosen:
        pending.put(candidate)
        number += 1
    found: queue.SimpleQueue[Answer | BaseException] = queue.SimpleQueue()
    workers = [_Worker(service, pending, found.put) for _ in range(min(jobs, number))]
    try:
        for worker in workers:
            worker.start()
        for _ in range(number):
            answer = found.get()
            if isinstance(answer, BaseException):
                raise answer
            yield answer
    finally:
        for worker in workers:
            worker.stop()


class _Worker(threading.Thread, Generic[Answer]):
    """A thread that feeds one process, kills it when its time is up, and starts another."""

    def __init__(
        self,
        service: Service[Answer],
        pending: queue.SimpleQueue[Candidate],
        put: Callable[[Answer | BaseException], None],
    ) -> None:
        super().__init__(daemon=True)
        self._service, self._pending, self._put = service, pending, put
        self._process: subprocess.Popen[str] | None = None
        self._served = 0
        self._stopped = False
        self._lock = threading.Lock()  # of `_process` and `_stopped`: no process is started once the sweep has ended

    def run(self) -> None:
        """Take classes until there are no more."""
        try:
            while not self._stopped:
                self._put(self._examined(self._pending.get_nowait()))
        except queue.Empty:
            pass
        except BaseException as error:  # noqa: BLE001  # raised again in the thread that iterates
            self._put(error)
        finally:
            self._kill()

    def stop(self) -> None:
        """Kill the process and wait for the thread to end."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()
        if self.is_alive():
            self.join()

    def _examined(self, candidate: Candidate) -> Answer:
        service = self._service
        if self._process is None or self._served >= LIFETIME:
            self._start()
        self._served += 1
        line, late = self._asked(json.dumps({**asdict(candidate), **service.terms}), service.timeout)
        try:
            found = service.read(json.loads(line))
            if late:  # it answered in the last moment, and was killed all the same
                self._kill()
            return found
        except (ValueError, KeyError, TypeError):  # nothing, or half a line: the process has ended
            code = self._kill()
        if late:
            return service.lost(candidate, True, f"took more than {service.timeout:g} s")
        return service.lost(candidate, False, f"the process that examined it ended with code {code}")

    def _start(self) -> None:
        self._kill()
        with self._lock:
            if self._stopped:
                return
            self._process, self._served = _process(self._service.module), 0
        self._asked("", STARTING)  # it says when it has imported what it needs

    def _asked(self, request: str, seconds: float) -> tuple[str, bool]:
        """The answer of the process, empty if it has ended, and whether it was killed for being late."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return "", False
        late = threading.Event()

        def kill() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            process.stdin.write(request + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (OSError, ValueError):  # a closed pipe
            line = ""
        finally:
            timer.cancel()
        return line, late.is_set()

    def _kill(self) -> int | None:
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        code = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not written yet has no reader
                    pipe.close()
        return code


def _process(module: str) -> subprocess.Popen[str]:
    source = str(Path(__file__).resolve().parents[2])  # the same symcount, however it was found
    path = os.pathsep.join(p for p in (source, os.environ.get("PYTHONPATH", "")) if p)
    quiet = {
        "TRANSFORMERS_VERBOSITY": "error",
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    return subprocess.Popen(  # noqa: S603  # our own interpreter, and a module of ours
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **quiet, "PYTHONPATH": path},
        encoding="utf-8",
    )


def serve(examine: Callable[..., Mapping[str, Any]], ready: Callable[[], Mapping[str, Any]]) -> None:
    """Answer the requests of a `Service` on standard input, one JSON object a line each, until there are no more.

    Args:
        examine: the answer for a class, and for what the service is told besides.
        ready: the answer to the first request, which is empty: what every class needs is imported before its time
            counts.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the service ends us
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what a model prints is no answer
    for line in sys.stdin:
        request = line.strip()
        answers.write(json.dumps(examine(**json.loads(request)) if request else ready()) + "\n")
        answers.flush()
