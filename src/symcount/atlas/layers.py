"""The releases of an atlas, put together: all entries of each, and of the older ones what is stored of them.

A `Table` is what one release has: model type and class -> row. Of two releases that have the same of a class, the row
is stored with the newer one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from symcount.atlas import store, writing
from symcount.atlas.record import Entry, Layout
from symcount.atlas.trees import Pool, tree_of
from symcount.config.releases import number, release_of

__all__ = ["Table", "replaced", "rows_at", "rows_of", "stored", "with_release", "write"]

Row = dict[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True)
class Table:
    """What a release has.

    Attributes:
        versions: of the packages.
        rows: by model type and class.
        bases: model type -> base model.
        activations: see `Atlas.activations`.
        kinds: see `Atlas.kinds`.
    """

    versions: str
    rows: dict[Key, Row] = field(repr=False)
    bases: Mapping[str, str] = field(repr=False)
    activations: Collection[str] = field(repr=False)
    kinds: Mapping[str, str] = field(default_factory=dict, repr=False)


def rows_of(atlas: store.Atlas, wanted: str = "") -> Iterator[Row]:
    """The entries that a file has of a release and of no newer one, as rows of a build; those of a model type only."""
    for model_type, entries, trees in atlas.families(wanted):
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


def stored(atlas: store.Atlas) -> list[Table]:
    """The releases of a file, the newest first."""
    found: list[Table] = []
    rows: dict[Key, Row] = {}
    for release in reversed(atlas.releases):
        view = atlas.at(release)
        own = {_key(row): row for row in rows_of(view)}
        there = {(model_type, name) for name in view.names for model_type in view.model_types(name)}
        rows = {key: row for key, row in {**rows, **own}.items() if key in there}
        found.append(Table(view.versions, rows, view.bases, view.activations, view.kinds))
    return found


def rows_at(atlas: store.Atlas, version: str, model_type: str) -> dict[str, Row]:
    """The rows of a model type by class, of the release that a new one is compared with.

    That is the release itself, where the file has it; else the next newer one, or the newest.
    """
    there = [r for r in atlas.releases if number(r) >= number(version)] or atlas.releases[-1:]
    at = atlas.releases.index(there[0])
    rows: dict[str, Row] = {}
    for release in reversed(atlas.releases[at:]):
        view = atlas.at(release)
        rows.update((row["class"], row) for row in rows_of(view, model_type))
    names = atlas.at(there[0]).family(model_type)
    return {name: row for name, row in rows.items() if name in names}


def with_release(
    tables: list[Table], found: Table, there: Collection[Key], failed: Collection[Key] = ()
) -> list[Table]:
    """The *tables* with what was *found* in a release.

    A class of which nothing was found has the entry that it had before: in that release, or else in the next newer one,
    or of the newest release in the one before.

    Args:
        tables: the newest first.
        found: the rows that were built.
        there: the classes that the release has.
        failed: those for which no entry could be built: they keep one of this very release, or have none that answers.
    """
    if not tables:
        return [found]
    at = number(release_of(found.versions))
    newer = [t for t in tables if number(release_of(t.versions)) > at]
    older = [t for t in tables if number(release_of(t.versions)) < at]
    same = [t for t in tables if number(release_of(t.versions)) == at]
    before = (same or newer[-1:] or older[:1])[0]
    kept = {k: row if same or k not in failed else _empty(row) for k, row in before.rows.items() if k in there}
    own = Table(found.versions, {**kept, **found.rows}, found.bases, found.activations, found.kinds)
    return [*newer, own, *older]


def _empty(row: Row) -> Row:
    """The row of a class that the release has, but of which no formula could be stored: every config is refused."""
    return {**row, "effort": 0, "layouts": [], "trees": []}


def replaced(tables: list[Table], changes: Iterable[tuple[Row, Row]], newest: str = "") -> list[Table]:
    """The *tables* with other rows: of each pair the second in place of the first, in every release that has it.

    Args:
        tables: the newest first.
        changes: rows, and what is to be otherwise in each.
        newest: the newest release that has the change; by default that of the atlas.
    """
    found = {_key(old): (old, new) for old, new in changes}
    nothing = (None, None)
    return [
        replace(table, rows={
            key: {**row, **new} if new is not None and _same(row, old) else row
            for key, row in table.rows.items()
            for old, new in [found.get(key, nothing)]
        }) if not newest or number(release_of(table.versions)) <= number(newest) else table
        for table in tables
    ]  # fmt: skip


def write(path: Path, tables: list[Table]) -> dict[str, int]:
    """Write the atlas of *tables*, the newest first; what it has of that.

    Raises:
        ConfigError: it cannot be written.
    """
    newest, *rest = tables
    families, summary = _families(newest.rows.values())
    older = []
    for table, newer in zip(rest, tables, strict=False):
        rows = [row for key, row in table.rows.items() if not _same(row, newer.rows.get(key))]
        own, said = _families(rows)
        gone: dict[str, list[str]] = defaultdict(list)
        for model_type, name in newer.rows.keys() - table.rows.keys():
            gone[model_type].append(name)
        bases = {t: table.bases.get(t, "") for t in {*table.bases, *newer.bases}
                 if table.bases.get(t) != newer.bases.get(t)}  # fmt: skip
        older.append(writing.Layer(own, bases, table.activations, table.versions, said, gone, table.kinds))
    writing.write(path, families, newest.bases, newest.activations, newest.versions, summary, older, newest.kinds)
    return summary


def _key(row: Row) -> Key:
    return str(row["said"]), str(row["class"])


def _same(one: Row, other: Row | None) -> bool:
    """Whether two rows say the same of a class; how much was explored, and how often it was tried, is not asked."""
    return one is other or (other is not None and _meant(one) == _meant(other))


def _meant(row: Row) -> str:
    layouts = [
        {**layout, "configs": 0, "formulas": [{**f, "points": 0, "seed": 0} for f in layout["formulas"]]}
        for layout in row["layouts"]
    ]
    return json.dumps([row["base"], row.get("own", True), layouts, row["trees"]], sort_keys=True)


def _families(rows: Iterable[Row]) -> tuple[list[store.Family], dict[str, int]]:
    """The entries of *rows* by model type with their trees, and how many there are."""
    families: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        families[row["said"]].append(row)
    summary = {"classes": 0, "base models": 0, "formulas": 0, "points": 0, "configs": 0}
    packed: list[store.Family] = []
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
    return packed, summary
