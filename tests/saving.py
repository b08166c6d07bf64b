"""Whether what a config class saves is counted as the model that transformers makes of it.

    python tests/saving.py LOG                 # the base model of every config class, 3 configs each, in four forms
    python tests/saving.py LOG --all           # every class of the atlas, heads too, 20 saved configs each
    python tests/saving.py LOG llama gemma     # those with one of these words in their model type
    python tests/saving.py LOG --table         # what a log says, as the table of docs/reliability.md
    python tests/saving.py FILE --write        # no comparison: the saved files themselves, one on a line
    python tests/saving.py FILE --write --few  # of models with few layers, which are built in a fraction of the time

Of each class a few configs are drawn that differ from the default in one number or two, of a sub-config too, and some
in a switch. Each one is a file in four forms: with these values alone (`given`), with every key (`to_dict`), as
`save_pretrained` writes it (`saved`), and `edited`: the default's file with every key, in which only these values were
changed. What the atlas alone makes of such a file is compared with the real model of it on the meta device. The log has
a line for each class, and a scan goes on where it was stopped; `--jobs` processes write one log.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from symcount.atlas.counting import counter
from symcount.concolic.session import quiet
from symcount.config.files import load
from symcount.derivation.resolve import model_class
from symcount.errors import SymcountError
from symcount.survey.journal import append, read
from symcount.survey.schema.config_class import parts
from symcount.survey.schema.probe import INFRASTRUCTURE, changed, real_total

FORMS = ("edited", "given", "to_dict", "saved")
VERDICTS = ("exact", "no model", "refused", "wrong")
SECONDS = {False: 20, True: 60}  # of a class's base model in four forms, of any class with more saved files
DRAWN = 3
SAVED = 20
_TRIED = 4  # times as many changes are drawn at most as configs are wanted: the config class refuses some
_TURNS = 5
_DEEP = ("layer", "depth", "block", "stage")
_FEW = 2
_OTHERS = ("head", "group", "stack")

Row = dict[str, Any]


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
    return {model_type: names[0] for model_type, names in every_class().items()}


def every_class() -> dict[str, list[str]]:
    """The classes of the atlas for every config class; the first one is its base model, or has the shortest name."""
    found = counter()
    assert found is not None
    result = {}
    for model_type in sorted({CONFIG_MAPPING[t].model_type for t in CONFIG_MAPPING}):
        base = found.atlas.bases.get(model_type)
        if names := found.atlas.family(model_type):
            result[model_type] = sorted(names, key=lambda n: (n != base, len(n), n))
    return result


def numbers(config: Any) -> dict[str, int]:
    """The sizes of a config and of its sub-configs by dotted path."""
    return {p: v for p, v in _values(config) if type(v) is int and 1 < v < 100_000 and not p.endswith("_id")}


def flags(config: Any) -> dict[str, bool]:
    """The switches of a config and of its sub-configs by dotted path."""
    return {p: v for p, v in _values(config) if type(v) is bool and p.rpartition(".")[2] not in INFRASTRUCTURE}


def _values(config: Any) -> Iterator[tuple[str, Any]]:
    for path, part in parts(config).items():
        for key, value in vars(part).items():
            if not key.startswith("_"):
                yield f"{path}.{key}" if path else key, value


def drawn(model_type: str, config: Any, many: int) -> Iterator[dict[str, Any]]:
    """Changes of one number or two: at first of depths, which lists follow, and of heads; the fifth is of a switch.

    Other sizes than depths are doubled and halved: heads that do not divide the width are of models that never run.
    """
    rng, found, switches = random.Random(model_type), numbers(config), flags(config)
    deep = [p for p in found if any(w in p.rpartition(".")[2] for w in _DEEP)]
    others = [p for p in found if any(w in p.rpartition(".")[2] for w in _OTHERS)]
    for i in range(many):
        turn = i % _TURNS
        if turn == _TURNS - 1 and switches:
            path = rng.choice(list(switches))
            yield {path: not switches[path]}
            continue
        among = [deep, deep, others, list(found), list(found)][turn] or list(found)
        if not among:
            return
        chosen = {rng.choice(among), *rng.sample(list(found), 1 if i % 2 and len(found) > 1 else 0)}
        yield {path: _other(found[path], path in deep, i, rng) for path in sorted(chosen)}


def _other(value: int, deep: bool, turn: int, rng: random.Random) -> int:
    if deep:
        return value * 2 + rng.randrange(2) if turn % 2 == 0 and value <= 64 else max(1, value // 2 - rng.randrange(2))
    if turn >= _TURNS:
        return rng.choice([2 * value, max(1, value // 2), 4 * value, max(1, value // 4)])
    return value * 2 if value < 64 else value // 2


def given(config: Any, change: dict[str, Any]) -> dict[str, Any]:
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


def files(configs: Any, default: Any, change: dict[str, Any], folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The files of a config by the name of their form; the last one is `saved`, unless the class refuses the change."""
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


def compared(model_type: str, name: str, many: int = DRAWN, forms: Iterable[str] = FORMS) -> Iterator[Row]:
    """What the atlas and transformers make of files of a class: of the default, and of *many* changes.

    Where only saved files are wanted, that many are saved, if it has so many.
    """
    cls, configs, wanted = model_class(name), CONFIG_MAPPING[model_type], set(forms)
    try:
        with quiet():
            default = configs()
    except Exception:  # noqa: BLE001  # its defaults are no config
        return
    known: dict[str, int | None] = {}
    seen: list[Any] = []
    for change in ({}, *drawn(model_type, default, many if wanted == {*FORMS} else _TRIED * many)):
        if len(seen) > many:
            return
        if change in seen:
            continue
        with tempfile.TemporaryDirectory() as folder:
            for form, fields in files(configs, default, change, Path(folder)):
                if form in wanted:
                    row = _row(cls, configs, {**fields, "model_type": model_type, "architectures": [name]}, known)
                    yield {"form": form, "change": change, **row}
                    if form == "saved":
                        seen.append(change)


def _row(cls: Any, configs: Any, fields: Row, known: dict[str, int | None]) -> Row:
    atlas = counter()
    assert atlas is not None
    said = {k: v for k, v in fields.items() if k not in ("architectures", "model_type")}
    key = json.dumps(said, sort_keys=True, default=str)
    if key not in known:
        known[key] = real_total(cls, configs, said)
    try:
        return {"counted": atlas.count(fields)[1]["unique"], "real": known[key]}
    except SymcountError as error:
        return {"said": str(error), "real": known[key]}


def judged(row: Row) -> str:
    """What became of a file: `exact`, `refused`, `wrong`, or `no model` where transformers builds none of it."""
    if row["real"] is None:
        return "no model"
    return "refused" if "said" in row else "exact" if row["counted"] == row["real"] else "wrong"


def scanned(model_type: str, name: str, every: bool) -> Row:
    """The line of a log for a class."""
    rows: list[Row] = []
    late = False
    try:
        with limited(SECONDS[every]):
            rows.extend(compared(model_type, name, *((SAVED, ["saved"]) if every else ())))
    except LateError:
        late = True
    except Exception as error:  # noqa: BLE001  # a class that this transformers does not have, or not without a package
        return {"model_type": model_type, "class": name, "tally": {}, "error": repr(error)[:200], "late": False}
    tally = Tally(f"{row['form']}, {'drawn' if row['change'] else 'default'}, {judged(row)}" for row in rows)
    of = {verdict: [row for row in rows if judged(row) == verdict] for verdict in VERDICTS}
    return {"model_type": model_type, "class": name, "tally": tally, "late": late,
            "wrong": of["wrong"], "refused": of["refused"]}  # fmt: skip


def written(path: Path, words: list[str], few: bool) -> None:
    """Write a file of every class: of its default, or of the first change that the config class takes."""
    with path.open("w", encoding="utf-8") as out:
        for model_type, names in every_class().items():
            if words and not any(word in model_type for word in words):
                continue
            configs = CONFIG_MAPPING[model_type]
            try:
                with quiet():
                    default = configs()
            except Exception:  # noqa: BLE001  # its defaults are no config
                continue
            for name, change in zip(names, ({}, *drawn(model_type, default, len(names))), strict=False):
                changes = [{**less, **change} for less in shallow(default)] if few else []
                for found in (saved(name, configs, default, one) for one in (*changes, change)):
                    if found is not None:
                        named = {**found, "model_type": model_type, "architectures": [name]}
                        out.write(json.dumps(named) + "\n")
                        break


def shallow(config: Any) -> Iterator[dict[str, int]]:
    """Changes with which a model has few layers: of all that may be a number of layers, of those so called."""
    sizes = numbers(config)
    for words in (_DEEP, ("layer",)):
        yield {path: _FEW for path in sizes if any(w in path.rpartition(".")[2] for w in words)}


def saved(name: str, configs: Any, default: Any, change: dict[str, Any]) -> dict[str, Any] | None:
    """What is saved of a change, `None` if the class refuses it, or transformers builds no model of it."""
    with tempfile.TemporaryDirectory() as folder:
        found = dict(files(configs, default, change, Path(folder))).get("saved")
    return None if found is None or real_total(model_class(name), configs, found) is None else found


def table(log: Path) -> str:
    """What a log says, a line for each form."""
    rows = read(log, dict, "a scan")
    tally = Tally[str]()
    for row in rows:
        tally.update(row["tally"])
    lines = ["| files | compared | exact | refused | wrong |", "|---|---:|---:|---:|---:|"]
    words = {"default": "of the defaults", "drawn": "of configs drawn at random"}
    for form in FORMS:
        for which, said in words.items():
            exact, refused, wrong = (tally[f"{form}, {which}, {v}"] for v in ("exact", "refused", "wrong"))
            if every := exact + refused + wrong:
                share = f"{exact:,} ({exact / every:.2%})"
                lines.append(f"| `{form}`, {said} | {every:,} | {share} | {refused:,} | {wrong:,} |")
    none = sum(n for key, n in tally.items() if key.endswith("no model"))
    last = f"{len(rows):,} classes; of {none:,} files more transformers builds no model"
    return "\n".join(
        [*lines, "", f"{last}, and {sum(r['late'] for r in rows)} classes took too long for all of theirs."]
    )


def scan(log: Path, words: list[str], every: bool, part: int, jobs: int) -> int:
    """Scan those classes of a part that the log does not have; the status is 1 where something was wrong."""
    found = every_class()
    pairs = [(t, n) for t, names in found.items() for n in (names if every else names[:1])]
    random.Random(0).shuffle(pairs)  # a scan that is stopped is a sample
    seen = {(row["model_type"], row["class"]) for row in read(log, dict, "a scan")}
    wrong = False
    for model_type, name in pairs[part::jobs]:
        if (model_type, name) in seen or not (not words or any(w in model_type for w in words)):
            continue
        line = scanned(model_type, name, every)
        append(log, line)
        for row in line.get("wrong", ()):
            wrong = True
            sys.stdout.write(f"{model_type} {name} {row}\n")
    return int(wrong)


def main(arguments: list[str]) -> int:
    """Write files, scan, by several processes if asked, or print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("log", type=Path)
    parser.add_argument("words", nargs="*", help="of which a model type has one")
    parser.add_argument("--all", action="store_true", help="every class, with saved files alone")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--few", action="store_true", help="of models with few layers")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--part", type=int, help=argparse.SUPPRESS)
    told = parser.parse_intermixed_args(arguments)
    if told.write:
        written(told.log, told.words, told.few)
        return 0
    if not told.table and (told.part is not None or told.jobs == 1):
        return scan(told.log, told.words, told.all, told.part or 0, told.jobs)
    if not told.table:
        command = [sys.executable, __file__, *arguments, "--part"]
        processes = [subprocess.Popen([*command, str(part)]) for part in range(told.jobs)]
        codes = [process.wait() for process in processes]
        if any(codes):
            return 1
    sys.stdout.write(table(told.log) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
