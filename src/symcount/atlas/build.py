"""Building the atlas: every class of transformers' auto mappings, in processes that may hang, die or be killed.

Each class is one line of a journal beside the atlas, written the moment it is known, so that an interrupted build is
continued where it stopped. The atlas itself is written once, at the end, at once or not at all.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from symcount.atlas import store
from symcount.atlas.record import Entry, Layout
from symcount.atlas.trees import Pool, tree_of
from symcount.atlas.work import EFFORT
from symcount.derive import journal as journals
from symcount.derive.examine import versions
from symcount.derive.pool import Candidate, Service, answers
from symcount.errors import ConfigError

__all__ = ["assemble", "base_models", "build", "journal_of", "model_types", "read_journal", "rows_of"]

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
        row = known.get(_key(candidate.name, candidate.model_type))
        if row is not None and row.get("versions") == versions() and "layouts" in row:
            yield row
        else:
            pending.append(candidate)

    def lost(candidate: Candidate, late: bool, said: str) -> Row:  # noqa: ARG001  # late or dead, it is the same here
        return {"class": candidate.name, "model_type": candidate.model_type, "base": candidate.base, "reason": said}

    terms = {"effort": effort, "trials": trials}
    service: Service[Row] = Service("symcount.atlas.examine", terms, timeout, dict, lost)
    with closing(answers(service, pending, jobs)) as rows:
        for answer in rows:
            row = {**answer, "versions": versions()}
            journals.append(journal, row)
            yield row


def _key(name: str, model_type: str) -> str:
    """Under which a class is known as a model of a type."""
    return f"{model_type} {name}"


def _keyed(row: Any) -> tuple[str, Row]:
    return _key(str(row["class"]), str(row["model_type"])), row


def assemble(
    rows: Iterable[Row], output: Path, activations: Iterable[str], bases: Mapping[str, str],
    before: store.Atlas | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Write the atlas of the rows that have layouts; what it has.

    Args:
        rows: of a journal.
        output: where.
        activations: see `Atlas.activations`.
        bases: model type -> base model.
        before: an atlas whose other entries are kept; a row without layouts takes none of them away.

    Raises:
        ConfigError: it cannot be written, or *before* was built with other versions.
    """
    families: dict[str, list[Row]] = defaultdict(list)
    replaced = set()
    for row in rows:
        if row.get("layouts"):
            families[row["said"]].append(row)
            replaced.add((row["said"], row["class"]))
    if before is not None:
        if before.versions != versions():
            raise ConfigError(f"{before.path} was built with {before.versions}, not with {versions()}; build all of it")
        for row in rows_of(before):
            if (row["said"], row["class"]) not in replaced:
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
            entry = Entry(
                row["class"], model_type, row["base"], row["effort"], [Layout.from_json(x) for x in layouts],
                row.get("own", True),
            )  # fmt: skip
            entries[row["class"]] = entry.to_json()
            summary["classes"] += 1
            summary["base models"] += row["base"]
        packed.append((model_type, entries, pool.to_json()))
    store.write(output, packed, bases, activations, versions(), summary)
    return summary


def rows_of(atlas: store.Atlas) -> Iterator[Row]:
    """The entries of an atlas as rows, of which `assemble` makes it again."""
    for model_type, entries, trees in atlas.families():
        for name, entry in entries.items():
            numbers: dict[int, int] = {}
            layouts = json.loads(json.dumps(entry["layouts"]))
            for layout in layouts:
                for formula in layout["formulas"]:
                    formula["tree"] = numbers.setdefault(formula["tree"], len(numbers))
            yield {
                "class": name, "model_type": model_type, "said": model_type, "base": entry.get("base", False),
                "own": entry.get("own", True), "effort": entry.get("effort", 0), "layouts": layouts,
                "trees": [tree_of(trees, number) for number in numbers],
            }  # fmt: skip


def base_models() -> dict[str, str]:
    """Model type -> base model, as transformers' auto mapping has it."""
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    return {t: name if isinstance(name, str) else name[0] for t, name in MODEL_MAPPING_NAMES.items()}


def model_types() -> dict[str, Any]:
    """What `symcount.modeltypes` knows of transformers' config classes."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    spelled, text = {}, {}
    for model_type, cls in sorted(CONFIG_MAPPING.items()):
        if cls.model_type != model_type:
            spelled[model_type] = cls.model_type
        inner = getattr((cls.sub_configs or {}).get("text_config"), "model_type", "")
        if inner:
            text[model_type] = inner
    return {"known": sorted(CONFIG_MAPPING), "spelled": spelled, "text": text}
