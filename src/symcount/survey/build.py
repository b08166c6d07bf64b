"""Building the atlas: every class of transformers' auto mappings, in processes that may hang, die or be killed.

Each class is one line of a journal beside the atlas, written the moment it is known, so that an interrupted build is
continued where it stopped. The atlas itself is written once, at the end, at once or not at all.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

from symcount.atlas import layers, store
from symcount.atlas.layers import rows_of
from symcount.survey import journal as journals
from symcount.survey.rows import versions
from symcount.survey.schema.work import EFFORT
from symcount.survey.workers import Candidate, Service, answers

__all__ = [
    "assemble",
    "base_models",
    "build",
    "journal_of",
    "key_of",
    "model_types",
    "read_journal",
    "rows_of",
]

Row = dict[str, Any]


def journal_of(output: Path) -> Path:
    """Where the rows of a build are kept."""
    return output.with_name(f"{output.name}.jsonl")


def read_journal(path: Path) -> dict[str, Row]:
    """The rows of a journal by class and model type, the last one of each; a line that was cut off is left out.

    Raises:
        ConfigError: the file cannot be read, or is something else.
    """
    rows = journals.read(path, _keyed, "a build")
    return dict(rows)


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
    pending = []
    for candidate in chosen:
        row = known.get(key_of(candidate.name, candidate.model_type))
        if row is not None and row.get("versions") == versions() and "layouts" in row:
            yield row
        else:
            pending.append(candidate)

    def lost(candidate: Candidate, late: bool, said: str) -> Row:  # noqa: ARG001  # late or dead, it is the same here
        return {"class": candidate.name, "model_type": candidate.model_type, "base": candidate.base, "reason": said}

    terms = {"effort": effort, "trials": trials}
    service: Service[Row] = Service("symcount.survey.examine", terms, timeout, dict, lost)
    with closing(answers(service, pending, jobs)) as rows:
        for answer in rows:
            row = {**answer, "versions": versions()}
            journals.append(journal, row)
            yield row


def key_of(name: str, model_type: str) -> str:
    """Under which a class is known as a model of a type."""
    return f"{model_type} {name}"


def _keyed(row: Any) -> tuple[str, Row]:
    return key_of(str(row["class"]), str(row["model_type"])), row


def assemble(
    rows: Iterable[Row], output: Path, activations: Iterable[str], bases: Mapping[str, str],
    before: store.Atlas | None = None, there: Iterable[tuple[str, str]] | None = None,
    kinds: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, int]:  # fmt: skip
    """Write the atlas of the rows that have layouts; what it has.

    Args:
        rows: of a journal; those of other versions than the installed ones are left out.
        output: where.
        activations: see `Atlas.activations`.
        bases: model type -> base model.
        before: an atlas whose other entries, and whose other releases, are kept; see `layers.with_release`.
        there: the classes that the installed release has, as model type and class; by default those of *before*.
        kinds: see `Atlas.kinds`.

    Raises:
        ConfigError: it cannot be written.
    """
    own = [row for row in rows if row.get("versions", versions()) == versions()]
    found = {(str(row["said"]), str(row["class"])): row for row in own if row.get("layouts")}
    table = layers.Table(versions(), found, bases, frozenset(activations), kinds)
    tables = [] if before is None else layers.stored(before)
    known = {key for one in tables for key in one.rows} if there is None else {*there, *found}
    failed = {(str(row.get("model_type", "")), str(row["class"])) for row in own if not row.get("layouts")}
    return layers.write(output, layers.with_release(tables, table, known, failed - found.keys()))


def base_models() -> dict[str, str]:
    """Model type -> base model, as transformers' auto mapping has it."""
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    return {t: name if isinstance(name, str) else name[0] for t, name in MODEL_MAPPING_NAMES.items()}


def model_types() -> dict[str, Any]:
    """What `symcount.config.model_types` knows of transformers' config classes."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    spelled, text = {}, {}
    for model_type, cls in sorted(CONFIG_MAPPING.items()):
        if cls.model_type != model_type:
            spelled[model_type] = cls.model_type
        inner = getattr((cls.sub_configs or {}).get("text_config"), "model_type", "")
        if inner:
            text[model_type] = inner
    return {"known": sorted(CONFIG_MAPPING), "spelled": spelled, "text": text}
