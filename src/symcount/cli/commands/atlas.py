"""The command `atlas build`: derive every class of transformers, and write the formulas that the package ships."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from operator import itemgetter
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symcount.cli.options import Json
from symcount.cli.output import emit, note, number, say, watched
from symcount.cli.writing import deliver
from symcount.config import model_types as modeltypes
from symcount.errors import OptionError, UnknownModelError

if TYPE_CHECKING:
    from symcount.atlas.store import Atlas
    from symcount.survey.workers import Candidate

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The stored formulas.", rich_markup_mode=None)


@app.callback()
def _root() -> None:
    """The stored formulas: build them, and see what is otherwise in which release of transformers."""


@app.command()
def build(
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="A part of the class name or model type.")] = "",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="By default the atlas of the package.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one for each processor by default.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for one class.")] = 600,
    effort: Annotated[int | None, typer.Option(min=0, help="Tensors that are traced for one class, about.")] = None,
    trials: Annotated[int, typer.Option(min=1, help="Random points and random configs for each formula.")] = 8,
    resume: Annotated[bool, typer.Option(help="Continue where the last build stopped.")] = True,
    update: Annotated[
        bool, typer.Option("--update", help="Keep the other entries and releases of the file that is there.")
    ] = False,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only what the installed transformers has otherwise; with --update.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Derive and certify all model classes of transformers with their variants, and write the atlas.

    With --update, an installed transformers of another release than the file's becomes one of its releases. Beside the
    file go the tables of how transformers loads the classes' files, and what their tensors are called.
    """
    from symcount.atlas.store import Atlas, default_path
    from symcount.survey.build import assemble, base_models, journal_of, read_journal
    from symcount.survey.coverage import candidates
    from symcount.survey.examine import activations
    from symcount.survey.schema.config_class import general_kinds

    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    every = candidates(exported=True, pairs=True)
    chosen = [c for c in every if pattern.lower() in f"{c.model_type}/{c.name}".lower()]
    if not chosen:
        raise UnknownModelError(f"no model class of transformers matches {pattern!r}")
    target = output or default_path()
    journal = journal_of(target)
    terms = {"jobs": jobs or os.cpu_count() or 1, "trials": trials, "resume": resume}
    with _before(target if update or changed else None) as before:
        if before is not None and changed:
            chosen = _changed(chosen, target, journal, terms["jobs"], as_json=as_json)
        for several, much in _efforts(chosen, before, effort if not changed else None):
            _run(several, journal, {**terms, "timeout": timeout, "effort": much}, as_json=as_json)
            terms["resume"] = True  # the journal is that of this build
        there = {(c.model_type, c.name) for c in every}
        rows = read_journal(journal).values()
        summary = assemble(rows, target, activations(), base_models(), before, there, general_kinds())
        stored = Atlas(target)
        if stored.release == _installed():
            _tables(stored, output, {c.name for c in chosen} if pattern or changed else None)
        if not as_json:
            if before is not None:
                _report(before, stored)
            size = target.stat().st_size
            say(f"{', '.join(f'{number(v)} {k}' for k, v in summary.items())}; {size / 1e6:.2f} MB in {target}")
    return 0


@contextmanager
def _before(target: Path | None) -> Iterator[Atlas | None]:
    """The atlas as it is before it is written anew: of a copy, since its entries are read when they are asked for."""
    from symcount.atlas.store import Atlas

    if target is None:
        yield None
        return
    Atlas(target)  # whatever is wrong with it is told by its own name
    with TemporaryDirectory() as folder:
        yield Atlas(copy(target, folder))


@app.command()
def releases(
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="By default standard output.")] = None,
) -> None:
    """Print what is otherwise from one release of transformers to the next, as a page of Markdown."""
    from symcount.atlas.differences import table
    from symcount.atlas.store import atlas

    stored = atlas()
    text = "\n".join(table(stored)) if stored is not None else ""
    deliver(text, output)


def _installed() -> str:
    from symcount.config.releases import release_of
    from symcount.survey.rows import versions

    return release_of(versions())


def _changed(chosen: Sequence[Candidate], target: Path, journal: Path, jobs: int, *, as_json: bool) -> list[Candidate]:
    """Those classes of which an entry must be built; those that only have fewer spellings go into the journal."""
    from symcount.survey.changes import changes
    from symcount.survey.journal import append

    found = []
    asked = {(c.name, c.model_type): c for c in chosen}
    notes = target.with_name(f"{target.name}.changes-{_installed()}.jsonl")
    with closing(changes(chosen, target, notes, jobs=jobs)) as rows:
        for row in watched(rows, len(chosen), itemgetter("class")):
            if row["status"] == "spelled":
                append(journal, {**row["row"], "versions": row["versions"]})
            elif row["status"] == "other":
                found.append(asked[row["class"], row["model_type"]])
            if row["status"] != "same":
                shown = {k: v for k, v in row.items() if k != "row"}
                if as_json:
                    emit(shown)
                else:
                    note(f"{row['class']} ({row['model_type']}): {row['reason']}")
    return found


def _efforts(
    chosen: Sequence[Candidate], before: Atlas | None, effort: int | None
) -> Iterator[tuple[list[Candidate], int]]:
    """The classes by the effort with which they are built: what is asked for, or that of the entry there was."""
    from symcount.survey.schema.work import EFFORT

    groups: dict[int, list[Candidate]] = {}
    for one in chosen:
        entry = None if before is None or effort is not None else before.find(one.name, one.model_type)
        usual = effort if effort is not None else EFFORT
        groups.setdefault(entry.effort or usual if entry is not None else usual, []).append(one)
    for much, several in sorted(groups.items()):
        yield several, much


def _run(chosen: Sequence[Candidate], journal: Path, terms: Mapping[str, Any], *, as_json: bool) -> None:
    from symcount.survey.build import build as run

    with closing(run(chosen, journal, **terms)) as rows:
        for row in watched(rows, len(chosen), itemgetter("class")):
            if as_json:
                emit({k: v for k, v in row.items() if k not in ("layouts", "trees")})
            elif "reason" in row:
                note(f"{row['class']}: {row['reason']}")


def _tables(stored: Atlas, output: Path | None, part: Collection[str] | None) -> None:
    """Write the tables that go with an atlas: a *part* of the classes anew, if the tables are of this release."""
    from symcount.checkpoints import identify, loading
    from symcount.derivation.resolve import transformers
    from symcount.survey.build import model_types

    every = part is None or loading.table()["transformers"] != stored.release
    known = [(name, stored.model_types(name)[0]) for name in stored.names if every or name in (part or ())]
    kept = () if every else sorted(set(stored.names) - {name for name, _ in known})
    for table in (loading, identify):
        path = table.default_path()
        transformers().logging.set_verbosity_error()  # some of its modules turn it up when they are imported
        table.measure(known, path if output is None else Path(stored.path).with_name(path.name), kept)
    if output is None:
        Path(modeltypes.PATH).write_text(json.dumps(model_types(), indent=1) + "\n", encoding="utf-8")


def _report(before: Atlas, after: Atlas) -> None:
    """Say what is otherwise in the release that was built than in the one that was there."""
    from symcount.atlas.differences import between

    here = _installed()
    for one in between(before.at(here), after.at(here)):
        say(f"{one.kind}: {one.name} ({one.model_type}){': ' * bool(one.what)}{'; '.join(one.what)}")


@app.command()
def extend(
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="A part of the class name or model type.")] = "",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="By default the atlas of the package.")] = None,
    flags: Annotated[
        bool, typer.Option("--flags", help="Only flags that were not reached, in half of the time.")
    ] = False,
    insisting: Annotated[
        bool, typer.Option("--insisting", help="Only what the installed release insists on of sub-configs, of all.")
    ] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one for each processor by default.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for one class.")] = 300,
    as_json: Json = False,
) -> int:
    """Admit further values in an atlas: what config classes compute, what answers alike, flags that were not reached.

    Of the entries those are extended that the installed release of transformers has of its own; with --insisting, all
    that it has, and where a newer release builds what this one refuses, this one gets an entry of its own.
    The journal beside the file has each class as soon as it is known; the same command goes on where it stopped.
    """
    from symcount.atlas import layers
    from symcount.atlas.store import Atlas, default_path
    from symcount.survey.extensions import entries, extensions

    if flags and insisting:
        raise OptionError("flags and what a release insists on are looked at one after the other: give one of the two")
    way = "insisting" if insisting else "flags" if flags else "extended"
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    target = output or default_path()
    before = Atlas(target)
    here = before.at(_installed())
    chosen = entries(before, _installed(), way)
    rows = [row for row in chosen if pattern.lower() in f"{row['model_type']}/{row['class']}".lower()]
    journal = target.with_name(f"{target.name}.{way}-{here.release}.jsonl")
    changes = []
    with closing(extensions(rows, journal, target, way, jobs=jobs or os.cpu_count() or 1, timeout=timeout)) as found:
        for row in watched(found, len(rows), itemgetter("class")):
            if row["layouts"] != row["before"]["layouts"]:
                changes.append((row["before"], {"layouts": row["layouts"], "trees": row["trees"]}))
            if as_json:
                emit({k: row[k] for k in ("class", "model_type", "notes")})
            else:
                for said in row["notes"]:
                    note(f"{row['class']}: {said}")
    tables = layers.stored(before)
    if insisting:
        tables = layers.replaced(tables, changes, here.release)
    else:  # what was held against this release only may be otherwise in another
        tables = [layers.replaced([t], changes)[0] if t.versions == here.versions else t for t in tables]
    summary = layers.write(target, tables)
    if not as_json:
        say(f"{number(len(changes))} classes extended; {', '.join(f'{number(v)} {k}' for k, v in summary.items())}")
    return 0


@app.command()
def caches(
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="A part of the class name.")] = "",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="By default the file of the package.")] = None,
    as_json: Json = False,
) -> int:
    """Derive the caches of the classes that continue texts, hold each against real ones, and store the formulas.

    The other lines of the file stay as they are.
    """
    from symcount.derivation.resolve import auto_classes
    from symcount.errors import SymcountError
    from symcount.forward.building import records, written
    from symcount.forward.stored import default_path, lines_of

    target = output or default_path()
    found = {name: [json.loads(line) for line in lines] for name, lines in lines_of(target).items()}
    names = sorted({c for c in auto_classes()["MODEL_FOR_CAUSAL_LM_MAPPING_NAMES"] if pattern.lower() in c.lower()})
    if not names:
        raise UnknownModelError(f"no class that continues texts matches {pattern!r}")
    refused = 0
    for name in names:
        try:
            found[name] = records(name)
            written(target, found)
            answer = {"class": name, "formulas": len(found[name])}
            said = f"{name}: {number(len(found[name]))} stored"
        except SymcountError as error:
            refused += 1
            answer, said = {"class": name, "error": str(error)}, f"{name}: {error}"
        if as_json:
            emit(answer)
        else:
            say(said)
    note(f"{target}: {number(sum(map(len, found.values())))} formulas of {number(len(found))} classes")
    return 1 if refused else 0
