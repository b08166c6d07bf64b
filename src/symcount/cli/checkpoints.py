"""What `verify` prints of a file of weights."""

from __future__ import annotations

import gc
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from symcount.checkpoints import folders
from symcount.checkpoints.accounting import Entry
from symcount.checkpoints.header import shown
from symcount.checkpoints.report import CheckpointReport, verify_by_config
from symcount.cli.options import load
from symcount.cli.output import emit, exactly, note, number, say, show, table
from symcount.cli.presentation import described, present
from symcount.core.ledger import check_convention
from symcount.core.values import title
from symcount.lookup import model_of

__all__ = ["formula_of_file", "show_report", "verify_file"]

_SHOWN = 20  # differences that are printed one by one


def verify_file(path: Path, values: Sequence[str] | None, options: Sequence[str] | None, as_json: bool) -> int:
    """Compare a file of weights with the formula of its config; the exit code, 1 if they differ."""
    gc.set_threshold(50_000, 50, 50)  # what is read stays: to look through it again and again for garbage takes long
    checkpoint = folders.read(path)
    subject = load(folders.config_of(checkpoint), values, options)
    given = {**subject.formula.bound(subject.config), **subject.overrides}
    report = verify_by_config(checkpoint, subject.formula, given, subject.config.fields)
    return show_report(report, as_json)


def formula_of_file(path: Path, convention: str, as_json: bool) -> None:
    """Print the formula of the model that a file is of, with the numbers of its shapes, and where these are from."""
    found = model_of(path)
    checked = check_convention(convention)
    shown, numbers = found.formula, found.numbers
    at = {letter: value for letter, value in numbers.values.items() if letter in shown.notation}
    if as_json:
        item = described(shown, checked, at)
        emit(
            {**item, "origins": dict(numbers.origins), "config": dict(numbers.contradicted), "alike": list(found.alike)}
        )
    else:
        present(shown, checked, at, "in the file")
    if found.config is None:
        note(f"no config.json: {shown.name} by its tensors" + _alike(found.alike))
    for letter, stated in numbers.contradicted.items():
        entry = shown.notation[letter]
        note(f"{title(entry)} is {number(at[letter])} by the shapes of the file; the config says {stated}")
    for origin, words in (("default", "the class's default"), ("free", "one of several with the same shapes")):
        if letters := [
            f"{e.letter} = {at[e.letter]}" for e in shown.notation if numbers.origins.get(e.letter) == origin
        ]:
            note(f"not in the shapes, {words}: {', '.join(letters)}")


def _alike(names: Sequence[str]) -> str:
    return f", as well as {', '.join(names)}" if names else ""


def show_report(report: CheckpointReport, as_json: bool) -> int:
    """Print what was found; the exit code, 1 if something differs."""
    if as_json:
        emit(_described(report))
    else:
        _print(report)
    return 0 if report.exact else 1


def _print(report: CheckpointReport) -> None:
    for text in report.notes:
        note(text)
    files = f"{report.files} files" if report.files != 1 else "1 file"
    say(f"{report.formula.name}, {files} of format {report.format}, {number(report.size)} bytes")
    statuses = report.statuses
    stored = sum(1 for t in report.tensors if t.actual is not None)
    say(f"{number(stored)} tensors: " + ", ".join(f"{number(n)} {_WORDS[s]}" for s, n in statuses.items()) + "\n")
    rows = [
        (t.convention, number(t.formula), number(t.file), number(t.size), "=" if t.equal else "DIFFERS")
        for t in report.totals.values()
    ]
    heads = ("formula", "file", "bytes in the file")
    show(table(("convention", "left"), *((h, "right") for h in heads), ("", "left")), rows)
    for stated in report.stated:
        say(f"the file says {stated}")
    for line in _grouped([t for t in report.tensors if t.status in ("tied", "beyond") and not t.difference]):
        say(line)
    differences = report.differences
    for entry in differences[:_SHOWN]:
        say(f"differs: {entry}")
    if len(differences) > _SHOWN:
        say(f"and {len(differences) - _SHOWN} more differences")
    say("exact" if report.exact else "NOT exact")


_WORDS = {
    "there": "there", "tied": "tied and not written", "missing": "missing", "shape": "of another shape",
    "beyond": "beyond the formula",
}  # fmt: skip


def _grouped(entries: Sequence[Entry]) -> list[str]:
    """One line for each reason, with the first name."""
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.status, entry.reason].append(entry)
    lines = []
    for (status, reason), found in groups.items():
        more = f" and {number(len(found) - 1)} more" if len(found) > 1 else ""
        lines.append(f"{_WORDS[status]}: {shown(found[0].name)}{more}, {reason}")
    return lines


def _described(report: CheckpointReport) -> dict[str, Any]:
    beyond = Counter(t.reason for t in report.tensors if t.status == "beyond")
    return {
        "source": report.source,
        "class": report.formula.name,
        "format": report.format,
        "files": report.files,
        "exact": report.exact,
        "bytes": report.size,
        "elements": report.elements,
        "tensors": dict(report.statuses),
        "beyond": dict(beyond),
        "values": exactly(report.values),
        "totals": {
            t.convention: {"formula": t.formula, "file": t.file, "bytes": t.size} for t in report.totals.values()
        },
        "stated": {s.name: {"stated": s.stated, "found": s.found} for s in report.stated},
        "differences": [str(d) for d in report.differences],
        "notes": list(report.notes),
    }
