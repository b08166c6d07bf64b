"""Whether entries that were extended hold in another release of transformers, which comes first on the path.

    PYTHONPATH=RELEASE:src python tests/older.py BEFORE AFTER LOG    # two atlases; goes on where it was stopped

Of each class whose entry is otherwise in AFTER as of the installed release: the default, each flag and each sample of a
check that changed, numbers that it did not have, and configs drawn at random. What AFTER answers is compared with the
real model of this release. The log has a line for each class: `ok`, `bad` with the configs, or why nothing is known.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import CONFIG_MAPPING

from saving import LateError, drawn, given, limited
from symcount.atlas.counting import Counter
from symcount.atlas.record import Entry
from symcount.atlas.store import Atlas
from symcount.concolic.session import quiet
from symcount.config.releases import release_of
from symcount.derivation.resolve import model_class
from symcount.errors import SymcountError
from symcount.survey.journal import append, read
from symcount.survey.rows import versions
from symcount.survey.schema.probe import real_total
from symcount.survey.schema.samples import samples_of

_SECONDS = 40
_SAMPLES = 26  # of checks and of new numbers
_DRAWN = 9
_BAD = 3  # disagreements of one class after which no more are looked for


def changes_of(before: Entry, after: Entry) -> Iterator[dict[str, Any]]:
    """Values of the keys that an entry reads in another way than before, and of all its flags."""
    known = {path: check.accept for layout in before.layouts for path, check in layout.checks.items()}
    numbers = {path for layout in before.layouts for path in layout.numbers}
    for layout in after.layouts:
        for path, check in layout.checks.items():
            for _, value in samples_of(check):
                if isinstance(value, bool) or (isinstance(value, int | str) and known.get(path) != check.accept):
                    yield {path: value}
        for path in layout.numbers:
            if path not in numbers and not set(path) & set("[#"):
                yield from ({path: n} for n in (8, 3))


def compared(counter: Counter, before: Entry, after: Entry) -> dict[str, Any]:
    """What became of the configs of a class."""
    configs = CONFIG_MAPPING[after.model_type]
    cls: Any = model_class(after.name, after.model_type)
    with quiet():
        default = configs()
    several = [{}, *changes_of(before, after)]
    unlike = [change for i, change in enumerate(several) if change not in several[:i]][:_SAMPLES]
    bad, agreed = [], 0
    for change in (*unlike, *drawn(after.model_type, default, _DRAWN)):
        fields = given(default, change)
        named = {**fields, "model_type": after.model_type, "architectures": [after.name]}
        try:
            ours = counter.count(named)[1]["unique"]
        except SymcountError:
            continue
        theirs = real_total(cls, configs, fields)
        agreed += ours == theirs
        bad += [[change, ours, theirs]] if theirs not in (None, ours) else []
        if len(bad) == _BAD:
            break
    return {"state": "bad" if bad else "ok", "agreed": agreed, "bad": bad}


def main(arguments: list[str]) -> int:
    """Compare all classes; the status is 1 where one disagreed."""
    release = release_of(versions())
    old, new = (Atlas(Path(path)).at(release) for path in arguments[:2])
    log, counter, wrong = Path(arguments[2]), Counter(new), False
    done = {(row["model_type"], row["class"]) for row in read(log, dict, "a comparison")}
    for name in new.names:
        for model_type in new.model_types(name):
            before, after = old.find(name, model_type), new.find(name, model_type)
            if before is None or after is None or before == after or (model_type, name) in done:
                continue
            try:
                with limited(_SECONDS):
                    row = compared(counter, before, after)
            except LateError:
                row = {"state": "late"}
            except Exception as error:  # noqa: BLE001  # a config class that this release does not make by default
                row = {"state": "none", "said": repr(error)[:200]}
            append(log, {"model_type": model_type, "class": name, **row})
            wrong |= row["state"] == "bad"
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
