"""The sweep: every model class of transformers' auto mappings, examined in processes that may hang, die or be killed.

Each class is one `Row`. Rows are appended to a JSON-lines file the moment they are known, each in a single write, so
that an interrupted sweep leaves a valid file, which the next one continues.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from symcount.errors import SymcountError
from symcount.survey import journal
from symcount.survey.rows import Row, versions
from symcount.survey.workers import Candidate, Service, answers

__all__ = ["Candidate", "candidates", "read_rows", "sweep"]


def candidates(
    pattern: str = "", *, base_only: bool = False, exported: bool = False, pairs: bool = False
) -> tuple[Candidate, ...]:
    """The model classes of transformers' auto mappings, each once: base models first, then those with heads.

    Args:
        pattern: a part of the class name or of the model type, or of both with a slash between; case is ignored.
        base_only: only the classes of `MODEL_MAPPING_NAMES`.
        exported: also those that transformers exports beside its mappings (`CLIPTextModelWithProjection`).
        pairs: a class once more for each other config class that a mapping has for it (`LlamaModel` of InternLM3).

    Raises:
        DependencyError: torch or transformers is missing.
    """
    from symcount.derivation.resolve import transformers

    transformers()
    auto = importlib.import_module("transformers.models.auto.modeling_auto")
    # the other mappings of that module (CONFIG_MAPPING_NAMES) do not name models
    tables = sorted(n for n in vars(auto) if n.startswith("MODEL_") and n.endswith("MAPPING_NAMES"))
    tables.sort(key=lambda n: n != "MODEL_MAPPING_NAMES")
    listed: dict[str, list[tuple[str, bool]]] = {}
    for table in tables if not base_only else tables[:1]:
        mapping: Mapping[str, Any] = getattr(auto, table)
        for model_type, value in mapping.items():
            for name in value if isinstance(value, list | tuple) else (value,):
                listed.setdefault(name, []).append((model_type, table == "MODEL_MAPPING_NAMES"))
    found = {name: _of(name, under) if pairs else [Candidate(name, *under[0])] for name, under in listed.items()}
    for cls in _exported() if exported else ():
        found.setdefault(cls.__name__, [Candidate(cls.__name__, str(cls.config_class.model_type), False)])
    wanted = pattern.lower()
    chosen = (c for several in found.values() for c in several)
    return tuple(c for c in chosen if wanted in f"{c.model_type}/{c.name}".lower())


def _of(name: str, under: list[tuple[str, bool]]) -> list[Candidate]:
    """A class as a model of its own model type, then of each other config class that it is listed under."""
    from symcount.derivation.resolve import model_class
    from symcount.verification.real_model import config_class, is_text_of

    try:
        cls: Any = model_class(name)
    except SymcountError:  # it needs a package that is not there
        return [Candidate(name, *under[0])]
    found = {str(cls.config_class.model_type): False}
    for model_type, base in under:
        other = config_class(cls, model_type)
        if not is_text_of(cls.config_class, other):
            found[str(other.model_type)] = base or found.get(str(other.model_type), False)
    return [Candidate(name, model_type, base) for model_type, base in found.items()]


def _exported() -> list[Any]:
    """The exported model classes that construct something, by name; those of a missing package are left out."""
    import transformers

    found: list[Any] = []
    for name in sorted(n for n in dir(transformers) if not n.startswith("_")):
        try:
            cls = getattr(transformers, name)
        except (AttributeError, ImportError):
            continue
        if isinstance(cls, type) and issubclass(cls, transformers.PreTrainedModel):
            own = cls.__name__ == name and cls.__init__ is not transformers.PreTrainedModel.__init__
            if own and cls.config_class is not None:
                found.append(cls)
    return found


def read_rows(path: Path) -> dict[str, Row]:
    """The rows of a sweep's file by class, the last one of each; a line that was cut off is left out.

    Raises:
        ConfigError: the file cannot be read, or is something else.
    """
    return {row.name: row for row in journal.read(path, Row.from_json, "a sweep")}


def sweep(
    chosen: Iterable[Candidate],
    *,
    jobs: int | None = None,
    timeout: float = 120.0,
    trials: int = 8,
    seed: int = 0,
    output: Path | None = None,
) -> Generator[Row, None, None]:
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
        journal.mend(output)
    asked = (versions(), trials, seed)
    pending = []
    for candidate in chosen:
        row = known.get(candidate.name)
        if row is not None and (row.versions, row.trials, row.seed) == asked and not _retried(row, timeout):
            yield row
        else:
            pending.append(candidate)

    def lost(candidate: Candidate, late: bool, said: str) -> Row:
        row = Row(**asdict(candidate), trials=trials, seed=seed, versions=versions(), reason=said)
        return replace(row, status="timed_out", seconds_derive=timeout) if late else replace(row, status="crashed")

    terms = {"trials": trials, "seed": seed}
    service = Service("symcount.survey.rows", terms, timeout, Row.from_json, lost)
    with closing(answers(service, pending, jobs or os.cpu_count() or 1)) as rows:
        for row in rows:
            if output is not None:
                journal.append(output, row.to_json())
            yield row


def _retried(row: Row, timeout: float) -> bool:
    return row.status == "crashed" or (row.status == "timed_out" and (row.seconds_derive or 0.0) < timeout)
