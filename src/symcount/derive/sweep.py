"""The sweep: every model class of transformers' auto mappings, examined in processes that may hang, die or be killed.

Each class is one `Row`. Rows are appended to a JSON-lines file the moment they are known, each in a single write, so
that an interrupted sweep leaves a valid file, which the next one continues.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from symcount.derive.examine import Row, versions
from symcount.errors import ConfigError

__all__ = ["Candidate", "candidates", "read_rows", "sweep"]

LIFETIME = 60  # classes that one process examines: every modelling module that it has loaded makes a trace slower
STARTING = 300.0  # seconds that a process may take to import torch and transformers, before any class's time counts


@dataclass(frozen=True)
class Candidate:
    """A class of the auto mappings: its name, the model type it stands under, and whether it is a base model."""

    name: str
    model_type: str
    base: bool


def candidates(pattern: str = "", *, base_only: bool = False) -> tuple[Candidate, ...]:
    """The model classes of transformers' auto mappings, each once: base models first, then those with heads.

    Args:
        pattern: a part of the class name or of the model type; case is ignored.
        base_only: only the classes of `MODEL_MAPPING_NAMES`.

    Raises:
        DependencyError: torch or transformers is missing.
    """
    from symcount.derive.resolve import transformers

    transformers()
    auto = importlib.import_module("transformers.models.auto.modeling_auto")
    # the other mappings of that module (CONFIG_MAPPING_NAMES) do not name models
    tables = sorted(n for n in vars(auto) if n.startswith("MODEL_") and n.endswith("MAPPING_NAMES"))
    tables.sort(key=lambda n: n != "MODEL_MAPPING_NAMES")
    found: dict[str, Candidate] = {}
    for table in tables if not base_only else tables[:1]:
        mapping: Mapping[str, Any] = getattr(auto, table)
        for model_type, value in mapping.items():
            for name in value if isinstance(value, list | tuple) else (value,):
                found.setdefault(name, Candidate(name, model_type, table == "MODEL_MAPPING_NAMES"))
    wanted = pattern.lower()
    return tuple(c for c in found.values() if wanted in c.name.lower() or wanted in c.model_type.lower())


def read_rows(path: Path) -> dict[str, Row]:
    """The rows of a sweep's file by class, the last one of each; a line that was cut off is left out.

    Raises:
        ConfigError: the file cannot be read, or is something else.
    """
    rows: dict[str, Row] = {}
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from None
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            row = Row.from_json(json.loads(line)) if line.strip() else None
        except (ValueError, KeyError, TypeError, AttributeError):
            if not text.endswith("\n") and number == text.count("\n") + 1:
                break  # the process was killed while it wrote
            raise ConfigError(f"{path}: line {number} is not a row of a sweep; give another file") from None
        if row is not None:
            rows[row.name] = row
    return rows


def sweep(
    chosen: Iterable[Candidate],
    *,
    jobs: int | None = None,
    timeout: float = 120.0,
    trials: int = 8,
    seed: int = 0,
    output: Path | None = None,
) -> Iterator[Row]:
    """Examine the *chosen* classes in parallel processes, and yield a row for each as it becomes known.

    Args:
        chosen: the classes; see `candidates`.
        jobs: processes; by default one for each processor.
        timeout: seconds after which the process that examines a class is killed, and replaced.
        trials: random points at which each formula is compared with the real model.
        seed: of the random points.
        output: a file to which each row is appended. Classes that it already has for the same versions, trials and
            seed are yielded from there; one that had timed out is tried again if it is now given more time.

    Closing the iterator ends the processes.

    Raises:
        ConfigError: *output* cannot be read or written, or is something else.
        DependencyError: torch or transformers is missing.
    """
    known = read_rows(output) if output is not None else {}
    if output is not None:
        _mend(output)
    asked = (versions(), trials, seed)
    pending: queue.SimpleQueue[Candidate] = queue.SimpleQueue()
    number = 0
    for candidate in chosen:
        row = known.get(candidate.name)
        if row is not None and (row.versions, row.trials, row.seed) == asked and not _retried(row, timeout):
            yield row
        else:
            pending.put(candidate)
            number += 1
    rows: queue.SimpleQueue[Row | BaseException] = queue.SimpleQueue()
    workers = [_Worker(pending, rows.put, timeout, trials, seed) for _ in range(min(jobs or os.cpu_count() or 1, number))]
    try:
        for worker in workers:
            worker.start()
        for _ in range(number):
            row_or_error = rows.get()
            if isinstance(row_or_error, BaseException):
                raise row_or_error
            if output is not None:
                _append(output, row_or_error)
            yield row_or_error
    finally:
        for worker in workers:
            worker.stop()


def _retried(row: Row, timeout: float) -> bool:
    return row.status == "crashed" or (row.status == "timed_out" and (row.seconds_derive or 0.0) < timeout)


class _Worker(threading.Thread):
    """A thread that feeds one process, kills it when its time is up, and starts another."""

    def __init__(
        self,
        pending: queue.SimpleQueue[Candidate],
        put: Callable[[Row | BaseException], None],
        timeout: float,
        trials: int,
        seed: int,
    ) -> None:
        super().__init__(daemon=True)
        self._pending, self._put = pending, put
        self._timeout, self._trials, self._seed = timeout, trials, seed
        self._process: subprocess.Popen[str] | None = None
        self._served = 0
        self._stopped = False
        self._lock = threading.Lock()  # of `_process` and `_stopped`: no process is started once the sweep has ended

    def run(self) -> None:
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
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()
        self.join()

    def _examined(self, candidate: Candidate) -> Row:
        request = {**vars(candidate), "trials": self._trials, "seed": self._seed}
        row = Row(**request, versions=versions())
        if self._process is None or self._served >= LIFETIME:
            self._start()
        self._served += 1
        line, late = self._asked(json.dumps(request), self._timeout)
        try:
            return Row.from_json(json.loads(line))
        except (ValueError, KeyError, TypeError):  # nothing, or half a line: the process has ended
            code = self._kill()
        if late:
            said = f"took more than {self._timeout:g} s"
            return replace(row, status="timed_out", reason=said, seconds_derive=self._timeout)
        return replace(row, status="crashed", reason=f"the process that examined it ended with code {code}")

    def _start(self) -> None:
        self._kill()
        with self._lock:
            if self._stopped:
                return
            self._process, self._served = _process(), 0
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


def _process() -> subprocess.Popen[str]:
    source = str(Path(__file__).resolve().parents[2])  # the same symcount, however it was found
    path = os.pathsep.join(p for p in (source, os.environ.get("PYTHONPATH", "")) if p)
    quiet = {"TRANSFORMERS_VERBOSITY": "error", "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(  # noqa: S603  # our own interpreter and module
        [sys.executable, "-m", "symcount.derive.examine"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **quiet, "PYTHONPATH": path},
        encoding="utf-8",
    )


def _append(path: Path, row: Row) -> None:
    """Add a line in a single write, so that no line is ever half there beside another."""
    line = json.dumps(row.to_json(), ensure_ascii=False) + "\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode("utf-8"))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None


def _mend(path: Path) -> None:
    """Cut a half-written last line off, or find out now that the file cannot be written."""
    try:
        with path.open("ab+") as file:
            file.seek(0)
            data = file.read()
            if data and not data.endswith(b"\n"):
                file.truncate(data.rfind(b"\n") + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
