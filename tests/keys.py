"""Whether the keys of every config class mean to the atlas what they mean to the installed release of transformers.

    python tests/keys.py LOG                    # the base model of every config class; goes on where it was stopped
    python tests/keys.py LOG llama gemma        # those of these model types
    PYTHONPATH=src:OLDER python tests/keys.py LOG   # as of another release, whose package comes first

Of each class configs are made with one key beside the usual: the other spellings of its `attribute_map`, what its code
takes out of its arguments, properties, keys that only another release has, a sub-config's keys at the top, and every
number at small values and doubled. What the atlas, or a composed formula, makes of each is compared with the real model
on the meta device, at few layers where that is faster. The log has a line for each class; what is wrong is printed.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from saving import LateError, every_class, limited
from symcount.architectures.reading import architecture_of
from symcount.atlas.counting import counter
from symcount.atlas.store import atlas
from symcount.config.config import read as read_config
from symcount.derivation.resolve import model_class
from symcount.errors import SymcountError
from symcount.survey.carrying import base_of, parts_of
from symcount.survey.journal import append, read
from symcount.survey.schema.config_class import attribute, facts_of, settable
from symcount.survey.schema.probe import INFRASTRUCTURE, changed, real_total
from symcount.verification.real_model import config_class

Changes = dict[str, Any]
SECONDS = 60
SMALL = (1, 2, 5)
DEEP = ("layer", "depth", "block")
_SPECIAL = 90  # keys of a class at most


def others(value: Any) -> list[Any]:
    """Values that a key may have in place of its own."""
    if isinstance(value, bool):
        return [not value, None]
    if isinstance(value, int):
        return [2 * value if value > 0 else 8, max(1, value // 2), None]
    if isinstance(value, float):
        return [2 * value, 1.0, None]
    if isinstance(value, str):
        return [None, "other"]
    if isinstance(value, list | tuple):
        return [list(value)[:-1], [*value, *value[-1:]], None]
    return [{}, None] if isinstance(value, dict) else [8, True, [8, 16]]


def keys(name: str, model_type: str, found: dict[str, Any]) -> dict[str, Any]:
    """The keys of a class beyond those that it declares, by dotted path with what stands there now."""
    declared, special = set(), dict[str, Any]()
    for path, config in found.items():
        facts, prefix = facts_of(config), f"{path}." if path else ""
        declared |= {prefix + key for key in facts.types}
        made = {k for c in type(config).__mro__ if "models" in c.__module__ for k in vars(c)
                if isinstance(vars(c)[k], property)}  # fmt: skip
        special |= {prefix + k: attribute(config, k)
                    for k in {*facts.aliases, *facts.consumed, *settable(facts.cls), *made}}  # fmt: skip
        if path:
            special |= {key: attribute(config, key) for key in facts.types if type(attribute(config, key)) is int}
    whole = atlas()
    for release in whole.releases if whole is not None else ():
        entry = whole.at(release).find(name, model_type)
        for path, section in entry.layouts[0].sections.items() if entry is not None and entry.layouts else ():
            prefix = f"{path}." if path else ""
            special |= {prefix + k: None for k in (*section.types, *section.aliases) if prefix + k not in special}
    return {k: v for k, v in special.items() if k not in declared and k.rpartition(".")[2] not in INFRASTRUCTURE}


def tried(name: str, model_type: str) -> Iterator[tuple[Changes, int | None, int | None, int | None]]:
    """Configs with what the atlas says, what the composed formula says, and what the real model has."""
    cls: Any = model_class(name)
    configs, count = config_class(cls, model_type), counter()
    entry = count.atlas.find(name, model_type) if count is not None else None
    if count is None or entry is None or not entry.layouts:
        return
    layout, rng = entry.layouts[0], random.Random(model_type)
    named = {"architectures": [name], "model_type": model_type}
    base = base_of({"types": layout.types})

    def stored(raw: Changes) -> int | None:
        try:
            return count.count({**named, **raw})[1]["unique"]
        except SymcountError:
            return None

    def composed(raw: Changes) -> int | None:
        try:
            config = read_config({**named, **raw})
            found = architecture_of(config)
            return int(found.formula(**found.options_for(config)).count(config))
        except SymcountError:
            return None

    numbers = {p: n.given for p, n in layout.numbers.items() if type(n.given) is int and not {"[", "#"} & set(p)}
    few = dict[str, Any]()
    for path, value in numbers.items():
        if value > 4 and any(word in path.rpartition(".")[2] for word in DEEP):
            few |= next(({path: n} for n in (2, 4, 6) if stored(changed(base, {**few, path: n})) is not None), {})
    special = keys(name, model_type, parts_of({"types": layout.types}, configs))
    chosen = rng.sample(sorted(special), min(_SPECIAL, len(special)))
    changes = [{path: value} for path in chosen for value in others(special[path])]
    changes += [{path: n} for path, value in numbers.items() for n in (*SMALL, 2 * value)]
    for change in ({}, *changes):
        try:
            raw = changed(base, {**few, **change})
        except (AttributeError, TypeError):  # a sub-config that is no object
            continue
        said, other = stored(raw), composed(raw)
        if said is not None or other is not None:
            yield raw, said, other, real_total(cls, configs, raw)


def scanned(name: str, model_type: str) -> dict[str, Any]:
    """The line of a log for a class."""
    row: dict[str, Any] = {"model_type": model_type, "class": name, "compared": 0, "no model": 0, "wrong": []}
    try:
        with limited(SECONDS):
            for raw, stored, composed, real in tried(name, model_type):
                row["compared" if real is not None else "no model"] += 1
                if real is not None and {stored, composed} - {None, real}:
                    row["wrong"].append([raw, stored, composed, real])
    except LateError:
        row["late"] = True
    except Exception as error:  # noqa: BLE001  # a class that this transformers does not have, or not without a package
        row["error"] = repr(error)[:200]
    return row


def main(arguments: list[str]) -> int:
    """Scan those that the log does not have; the status is 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("log", type=Path)
    parser.add_argument("types", nargs="*", metavar="MODEL_TYPE")
    told = parser.parse_args(arguments)
    found = [(names[0], model_type) for model_type, names in every_class().items()]
    random.Random(0).shuffle(found)  # a scan that is stopped is a sample
    rows = read(told.log, dict, "a scan")
    seen = {row["model_type"] for row in rows}
    for name, model_type in found:
        if model_type not in seen and (not told.types or model_type in told.types):
            rows.append(scanned(name, model_type))
            append(told.log, rows[-1])
            for one in rows[-1]["wrong"]:
                sys.stdout.write(f"{name} {one}\n")
    wrong = sum(len(row["wrong"]) for row in rows)
    compared, none = (sum(row[key] for row in rows) for key in ("compared", "no model"))
    sys.stdout.write(f"{len(rows):,} classes, {compared:,} configs compared, {none:,} have no model, {wrong:,} wrong\n")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
