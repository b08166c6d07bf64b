"""Building the atlas: every class of transformers' auto mappings, in processes that may hang, die or be killed.

Each class is one line of a journal beside the atlas, written the moment it is known, so that an interrupted build is
continued where it stopped. The atlas itself is written once, at the end, at once or not at all.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from symcount.atlas import store
from symcount.atlas.record import Entry, Layout
from symcount.atlas.work import EFFORT
from symcount.atlas.trees import Pool
from symcount.derive.examine import versions
from symcount.derive.pool import Candidate
from symcount.errors import ConfigError

__all__ = ["assemble", "build", "journal_of", "read_journal"]

Row = dict[str, Any]
_LIFETIME = 100  # classes that one process examines: every modelling module that it has loaded makes it slower
_STARTING = 300.0  # seconds that a process may take to import torch and transformers


def journal_of(output: Path) -> Path:
    """Where the rows of a build are kept."""
    return output.with_name(f"{output.name}.jsonl")


def read_journal(path: Path) -> dict[str, Row]:
    """The rows of a journal by class, the last one of each; a line that was cut off is left out.

    Raises:
        ConfigError: the file cannot be read, or is something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from None
    rows = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows[str(row["class"])] = row
        except (ValueError, KeyError, TypeError):
            if number == len(lines):
                break  # the process was killed while it wrote
            raise ConfigError(f"{path}: line {number} is not a row of a build; give another file") from None
    return rows


def build(
    chosen: Iterable[Candidate], journal: Path, *, jobs: int = 1, timeout: float = 600.0, effort: int = EFFORT,
    trials: int = 8, resume: bool = True,
) -> Generator[Row, None, None]:  # fmt: skip
    """Measure the *chosen* classes in parallel processes, and yield a row for each as it becomes known.

    Closing the iterator ends the processes.

    Raises:
        ConfigError: the journal cannot be read or written, or is something else.
    """
    known = read_journal(journal) if resume else {}
    if not resume:
        journal.unlink(missing_ok=True)
    pending: queue.SimpleQueue[Candidate] = queue.SimpleQueue()
    number = 0
    for candidate in chosen:
        row = known.get(candidate.name)
        if row is not None and row.get("versions") == versions() and "layouts" in row:
            yield row
        else:
            pending.put(candidate)
            number += 1
    rows: queue.SimpleQueue[Row | BaseException] = queue.SimpleQueue()
    workers = [_Worker(pending, rows, timeout, effort, trials) for _ in range(min(jobs, number))]
    try:
        for worker in workers:
            worker.start()
        for _ in range(number):
            row_or_error = rows.get()
            if isinstance(row_or_error, BaseException):
                raise row_or_error
            row = {**row_or_error, "versions": versions()}
            _append(journal, row)
            yield row
    finally:
        for worker in workers:
            worker.stop()


def _append(path: Path, row: Row) -> None:
    """Add a line in a single write."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, (json.dumps(row) + "\n").encode("utf-8"))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None


def assemble(rows: Iterable[Row], output: Path, activations: Iterable[str], bases: Mapping[str, str]) -> dict[str, Any]:
    """Write the atlas of the rows that have layouts; what it has.

    Raises:
        ConfigError: it cannot be written.
    """
    families: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.get("layouts"):
            families[row["said"]].append(row)
    summary = {"classes": 0, "base models": 0, "formulas": 0, "points": 0, "configs": 0}
    packed = []
    for model_type in sorted(families):
        pool = Pool()
        entries: dict[str, Any] = {}
        for row in sorted(families[model_type], key=lambda r: str(r["class"])):
            numbers = [pool.add(tree) for tree in row["trees"]]
            layouts = json.loads(json.dumps(row["layouts"]))
            for layout in layouts:
                for formula in layout["formulas"]:
                    formula["tree"] = numbers[formula["tree"]]
                    summary["points"] += formula["points"]
                summary["formulas"] += len(layout["formulas"])
                summary["configs"] += layout.get("configs", 0)
            entry = Entry(row["class"], model_type, row["base"], row["effort"], [Layout.from_json(x) for x in layouts])
            entries[row["class"]] = entry.to_json()
            summary["classes"] += 1
            summary["base models"] += row["base"]
        packed.append((model_type, entries, pool.to_json()))
    store.write(output, packed, bases, activations, versions(), summary)
    return summary


class _Worker(threading.Thread):
    """A thread that feeds one process, kills it when its time is up, and starts another."""

    def __init__(
        self, pending: queue.SimpleQueue[Candidate], rows: queue.SimpleQueue[Any], timeout: float, effort: int, trials: int,
    ) -> None:  # fmt: skip
        super().__init__(daemon=True)
        self._pending, self._rows, self._timeout = pending, rows, timeout
        self._terms = {"effort": effort, "trials": trials}
        self._process: subprocess.Popen[str] | None = None
        self._served = 0
        self._stopped = False
        self._lock = threading.Lock()

    def run(self) -> None:
        """Take classes until there are no more."""
        try:
            while not self._stopped:
                self._rows.put(self._examined(self._pending.get_nowait()))
        except queue.Empty:
            pass
        except BaseException as error:  # noqa: BLE001  # raised again in the thread that iterates
            self._rows.put(error)
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

    def _examined(self, candidate: Candidate) -> Row:
        if self._process is None or self._served >= _LIFETIME:
            self._start()
        self._served += 1
        item = {"name": candidate.name, "model_type": candidate.model_type, "base": candidate.base}
        line, late = self._asked(json.dumps({**item, **self._terms}), self._timeout)
        try:
            row: Row = json.loads(line)
            if late:  # it answered in the last moment, and was killed all the same
                self._kill()
            return row
        except ValueError:  # nothing, or half a line: the process has ended
            code = self._kill()
        said = f"took more than {self._timeout:g} s" if late else f"the process ended with code {code}"
        return {"class": candidate.name, "model_type": candidate.model_type, "base": candidate.base, "reason": said}

    def _start(self) -> None:
        self._kill()
        with self._lock:
            if self._stopped:
                return
            self._process, self._served = _process(), 0
        self._asked("", _STARTING)  # it says when it has imported what it needs

    def _asked(self, request: str, seconds: float) -> tuple[str, bool]:
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
    quiet = {"TRANSFORMERS_VERBOSITY": "error", "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1",
             "HF_HUB_OFFLINE": "1"}  # fmt: skip
    return subprocess.Popen(  # our own interpreter and module
        [sys.executable, "-m", "symcount.atlas.examine"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **quiet, "PYTHONPATH": path},
        encoding="utf-8",
    )
