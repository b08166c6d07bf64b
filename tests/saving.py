"""Whether what a config class saves is counted as the model that transformers makes of it, over all config classes.

    python tests/saving.py LOG [PATTERN]         # every config class, or those with PATTERN in their model type

Of each class a few configs are drawn that differ from the default in one number or two, of a sub-config too. Each one
is a file in four forms: with these numbers alone (`given`), with every key (`to_dict`), as `save_pretrained` writes it,
and *edited*: the default's file with every key, in which only these numbers were changed. What the atlas
alone makes of such a file is compared with the real model of it on the meta device. The log has a line for each class,
and a scan goes on where it was stopped.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import tempfile
from collections import Counter as Tally
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from symcount.atlas.counting import counter
from symcount.concolic.session import quiet
from symcount.config.files import load
from symcount.derivation.resolve import model_class
from symcount.errors import SymcountError
from symcount.survey.schema.config_class import parts
from symcount.survey.schema.probe import changed, real_total

SECONDS = 20
DRAWN = 3
_DEEP = ("layer", "depth", "block", "stage")
_OTHERS = ("head", "group", "stack")


class LateError(BaseException):
    """A class whose models take too long: no handler of transformers' errors is to take it for one of these."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise a `LateError` after some seconds of the processor, between two operations of Python."""

    def late(*_: Any) -> None:
        raise LateError

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def classes() -> dict[str, str]:
    """A class of the atlas for every config class: its base model, or else the one with the shortest name."""
    found = counter()
    assert found is not None
    result = {}
    for model_type in sorted({CONFIG_MAPPING[t].model_type for t in CONFIG_MAPPING}):
        if names := found.atlas.family(model_type):
            result[model_type] = found.atlas.bases.get(model_type) or min(names, key=lambda n: (len(n), n))
    return result


def numbers(config: Any) -> dict[str, int]:
    """The sizes of a config and of its sub-configs by dotted path."""
    found = {}
    for path, part in parts(config).items():
        for key, value in vars(part).items():
            if type(value) is int and 1 < value < 100_000 and not key.endswith("_id") and not key.startswith("_"):
                found[f"{path}.{key}" if path else key] = value
    return found


def drawn(model_type: str, config: Any, many: int) -> Iterator[dict[str, int]]:
    """Changes of one number or two: at first of depths, which lists follow, and of heads."""
    rng, found = random.Random(model_type), numbers(config)
    deep = [p for p in found if any(w in p.rpartition(".")[2] for w in _DEEP)]
    others = [p for p in found if any(w in p.rpartition(".")[2] for w in _OTHERS)]
    for i in range(many):
        among = [deep, deep, others, list(found)][i % 4] or list(found)
        if not among:
            return
        chosen = {rng.choice(among), *rng.sample(list(found), 1 if i % 2 and len(found) > 1 else 0)}
        yield {path: _other(found[path], path in deep, i, rng) for path in sorted(chosen)}


def _other(value: int, deep: bool, turn: int, rng: random.Random) -> int:
    if deep:
        return value * 2 + rng.randrange(2) if turn % 2 == 0 and value <= 64 else max(1, value // 2 - rng.randrange(2))
    return value * 2 if value < 64 else value // 2


def given(config: Any, change: dict[str, int]) -> dict[str, Any]:
    """A config file with nothing but a change, and the model types of the sub-configs on its way."""
    kinds = {}
    for path in change:
        section = path.rpartition(".")[0]
        while section:
            kind = getattr(parts(config).get(section), "model_type", "")
            if kind:
                kinds[f"{section}.model_type"] = kind
            section = section.rpartition(".")[0]
    return changed({}, {**kinds, **change})


def files(configs: Any, default: Any, change: dict[str, int], folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The files of a config by the name of their form."""
    whole = json.loads(json.dumps(default.to_dict(), default=str))
    yield "edited", changed(whole, change)
    yield "given", given(default, change)
    try:
        with quiet():
            config = configs.from_dict(given(default, change))
            config.save_pretrained(folder)
    except Exception:  # noqa: BLE001  # the class refuses the change
        return
    yield "to_dict", json.loads(json.dumps(config.to_dict(), default=str))
    yield "saved", load(folder / "config.json")


def compared(model_type: str, name: str, many: int = DRAWN) -> Iterator[dict[str, Any]]:
    """What the atlas and transformers make of the files of a class."""
    cls, configs, atlas = model_class(name), CONFIG_MAPPING[model_type], counter()
    assert atlas is not None
    try:
        with quiet():
            default = configs()
    except Exception:  # noqa: BLE001  # its defaults are no config
        return
    known: dict[str, int | None] = {}
    for change in ({}, *drawn(model_type, default, many)):
        with tempfile.TemporaryDirectory() as folder:
            for form, fields in files(configs, default, change, Path(folder)):
                row = {"form": form, "change": change}
                try:
                    counted = atlas.count({**fields, "model_type": model_type, "architectures": [name]})[1]["unique"]
                except SymcountError as error:
                    yield {**row, "said": str(error)}
                    continue
                said = {k: v for k, v in fields.items() if k not in ("architectures", "model_type")}
                key = json.dumps(said, sort_keys=True, default=str)
                if key not in known:
                    known[key] = real_total(cls, configs, fields)
                yield {**row, "counted": counted, "real": known[key]}


def judged(row: dict[str, Any]) -> str:
    """What became of a file: `exact`, `refused`, `wrong`, or `no model` where transformers builds none of it."""
    if "said" in row:
        return "refused"
    return "no model" if row["real"] is None else "exact" if row["counted"] == row["real"] else "wrong"


def main(log: Path, pattern: str = "") -> int:
    """Scan; the status is 1 where something was wrong."""
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []
    seen, tally = {row["model_type"] for row in done}, Tally[str]()
    for row in done:
        tally.update(row["tally"])
    every = list(classes().items())
    random.Random(0).shuffle(every)  # a scan that is stopped is a sample
    for model_type, name in every:
        if pattern not in model_type or model_type in seen:
            continue
        rows: list[dict[str, Any]] = []
        late = False
        try:
            with limited(SECONDS):
                rows.extend(compared(model_type, name))
        except LateError:
            late = True
        found = Tally(map(judged, rows))
        tally.update(found)
        wrong = [row for row in rows if judged(row) == "wrong"]
        refused = [row for row in rows if judged(row) == "refused"]
        with log.open("a") as file:
            line = {"model_type": model_type, "class": name, "tally": found, "wrong": wrong, "refused": refused}
            file.write(json.dumps({**line, "late": late}) + "\n")
        for row in wrong:
            sys.stdout.write(f"{model_type} {name} {row}\n")
    sys.stdout.write(f"{dict(tally)}\n")
    return 1 if tally["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:3]))
