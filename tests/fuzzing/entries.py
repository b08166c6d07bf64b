"""Where foreign text comes in. Each entry point makes an input from a random generator, and takes it.

Taking an input gives an outcome: `answered`, `refused` (by a `SymcountError`; in the command line exit code 2 and one
or two lines), or for answers compared with the real model `checked`. `no such model` is a number for a config of
which transformers builds no model. Everything else is an exception, and a defect.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from fuzzing import mutate, words

SECONDS = 2.0


@dataclass(frozen=True)
class Entry:
    """An entry point: how inputs are made and taken, how long one may take, and its share of all inputs."""

    name: str
    make: Callable[[Random], Any]
    take: Callable[[Any], str]
    seconds: float = SECONDS
    weight: int = 4


class WrongError(AssertionError):
    """An answer that is not right, or an error that is not told as it should be."""


def _refusable(call: Callable[[], Any]) -> str:
    from symcount.errors import SymcountError

    try:
        call()
    except SymcountError as error:
        _told(str(error))
        return "refused"
    return "answered"


def _told(text: str) -> None:
    if not text.strip():
        raise WrongError("an error without words")


# ------------------------------------------------------------------ configs


def real(raw: bytes) -> dict[str, int] | None:
    """What transformers builds of a config file, measured by plain torch; `None` if it builds nothing."""
    from fuzzing.running import hurried
    from published.measure import measure, real_model

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "config.json"
        path.write_bytes(raw)
        try:
            with hurried(20):
                return measure(real_model(path))
        except TimeoutError:
            raise
        except Exception:  # noqa: BLE001  # a config or a constructor may raise anything
            return None


def compared(raw: bytes, counted: dict[str, int]) -> str:
    """The outcome for an answer, by the real model."""
    try:
        expected = real(raw)
    except (TimeoutError, MemoryError):
        return "answered"
    if expected is None:
        return "no such model"
    if counted["unique"] != expected["unique"]:
        raise WrongError(f"counted {counted['unique']}, the real model has {expected['unique']}: {raw[:3000]!r}")
    return "checked"


def _dict(rng: Random) -> tuple[dict[str, Any], bool]:
    return mutate.config(rng), rng.random() < _SHARE[0]


_SHARE = [0.05]  # of the answers, how many are compared with the real model


def _stored(item: tuple[dict[str, Any], bool]) -> str:
    """By the atlas alone, as where torch is not installed."""
    from symcount.atlas.counting import counter

    fields, check = item
    counted: dict[str, int] = {}

    def call() -> None:
        counted.update(counter().count(fields)[1])  # type: ignore[union-attr]

    outcome = _refusable(call)
    if outcome == "answered" and check:
        return compared(json.dumps(fields).encode("utf-8", "surrogatepass"), counted)
    return outcome


def _sized(rng: Random) -> tuple[dict[str, Any], bool]:
    """Any class of the atlas, everything left out but the class and up to three numbers."""
    from symcount.atlas.counting import counter

    found = counter()
    assert found is not None
    entry = found.atlas.find(rng.choice(found.atlas.names))
    fields: dict[str, Any] = {"model_type": entry.model_type, "architectures": [entry.name]}
    numbers = [path for path in rng.choice(entry.layouts).numbers if "[" not in path]
    for path in rng.sample(numbers, k=min(len(numbers), rng.choice([0, 1, 1, 2, 3]))):
        *sections, key = path.split(".")
        holder = fields
        for section in sections:
            holder = holder.setdefault(section, {})
        holder[key] = rng.choice([1, 2, 4, 8, 24, 41, 64, 96, rng.randint(1, 200)])
    return fields, rng.random() < 0.5


def _any_way(item: tuple[dict[str, Any], bool]) -> str:
    """By whatever `symcount.count` finds: the atlas, a composed formula, a derived one."""
    import symcount as sc

    fields, _ = item
    counted: dict[str, int] = {}

    def call() -> None:
        counted["unique"] = sc.count(fields)

    outcome = _refusable(call)
    if outcome == "answered":
        return compared(json.dumps(fields).encode("utf-8", "surrogatepass"), counted)
    return outcome


def _composed(item: tuple[dict[str, Any], bool]) -> str:
    """By the formulas composed by hand."""
    from symcount.architectures.reading import architecture_of
    from symcount.config.config import read

    fields, check = item
    counted: dict[str, int] = {}

    def call() -> None:
        config = read(fields)
        architecture = architecture_of(config)
        formula = architecture.formula(**architecture.options_for(config))
        counted["unique"] = formula.count(config)

    outcome = _refusable(call)
    if outcome == "answered" and check:
        return compared(json.dumps(fields).encode("utf-8", "surrogatepass"), counted)
    return outcome


def _derived(item: tuple[dict[str, Any], bool]) -> str:
    import symcount as sc

    fields, _ = item
    counted: dict[str, int] = {}

    def call() -> None:
        counted["unique"] = sc.derive(fields).count(fields)

    outcome = _refusable(call)
    if outcome == "answered":
        return compared(json.dumps(fields).encode("utf-8", "surrogatepass"), counted)
    return outcome


# ------------------------------------------------------------------ the command line


@contextmanager
def _streams(data: bytes = b""):
    """Standard streams in memory."""
    old = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
    sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    sys.stderr = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    try:
        yield sys.stdout, sys.stderr
    finally:
        sys.stdin, sys.stdout, sys.stderr = old


def command(arguments: list[str], data: bytes = b"", lines: int = 2) -> tuple[int, str]:
    """Run a command in this process; its exit code and output.

    Raises:
        WrongError: another exit code than it should have, a traceback, or an error in more than *lines* lines.
    """
    from symcount.cli import run

    with _streams(data) as (out, err):
        code = run(arguments)
        for stream in (out, err):
            stream.flush()
        said, told = (s.buffer.getvalue().decode("utf-8", "replace") for s in (out, err))
    errors = [line for line in told.splitlines() if line.startswith("error:")]
    if code not in (0, 1, 2) or "Traceback" in told or (code == 2 and not errors):
        raise WrongError(f"exit code {code}: {told[-500:]!r}")
    if code == 2 and len(told.splitlines()) > lines:
        raise WrongError(f"an error in {len(told.splitlines())} lines: {told[:500]!r}")
    return code, said


def _command(arguments: list[str]) -> str:
    return "refused" if command([a.replace("\0", "0") for a in arguments], lines=3)[0] == 2 else "answered"


def _file(rng: Random) -> tuple[bytes, str]:
    return mutate.text(mutate.config(rng), rng), rng.choice(["file", "directory", "lines", "stdin", "formula"])


def _counted_file(item: tuple[bytes, str]) -> str:
    """`symcount count` of a file, a directory, lines of a file or of standard input; and `symcount formula`."""
    raw, way = item
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "config.json"
        path.write_bytes(raw)
        if way == "formula":
            from symcount.cli.options import load

            return _refusable(lambda: load(str(path)))
        if way in ("lines", "stdin"):
            raw = raw.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n"
            path.write_bytes(raw)
        arguments = {
            "file": [str(path)],
            "directory": [directory],
            "lines": ["--jsonl", str(path)],
            "stdin": ["--jsonl", "-"],
        }[way]
        with _without_derivation():
            code, said = command(["count", "--json", *arguments], raw)
        answers = [json.loads(line) for line in said.splitlines()]
        if not answers and raw.isspace():  # an empty line says nothing
            return "refused"
        if len(answers) > 1 or (code == 0) != ("unique" in (answers or [{}])[0]):
            raise WrongError(f"exit code {code}, output {said[:300]!r}")
        if code == 0 and way == "file" and sum(raw) % 1000 < 1000 * _SHARE[0]:
            return compared(raw, answers[0])
        return "refused" if code else "answered"


@contextmanager
def _without_derivation():
    """As where torch is not installed; derivation is an entry point of its own."""
    from symcount.cli import quick_count

    old, quick_count.derivable = quick_count.derivable, lambda: False
    try:
        yield
    finally:
        quick_count.derivable = old


def _flags(rng: Random) -> list[str]:
    found = []
    for _ in range(rng.randint(0, 3)):
        found += rng.choice(
            [
                ["-s", f"{words.name(rng)}={words.number(rng)}"],
                ["-s", words.number(rng)],
                ["-o", f"tie_word_embeddings={words.number(rng)}"],
                ["-o", words.damaged("tie_word_embeddings=false", rng, 0.5)],
                ["-c", words.damaged("active", rng, 0.3)],
                ["--json"],
                [rng.choice(words.STRANGE)],
                ["-s"],
            ]
        )
    return found


def _counting(rng: Random) -> list[str]:
    verb = rng.choice(["count", "count", "breakdown", "formula", "diff", "list", "verify", "nonsense"])
    first = [words.name(rng)] if verb == "diff" else []
    flags = _flags(rng)
    if verb == "verify":  # sizes that can be built
        flags = ["-s", f"{words.name(rng)}={rng.choice(['0', '1', '24', 'x', '-3', '9' * 30])}", "-s", "N=1"]
    return [verb, words.model(rng), *first, *flags]


def _typesetting(rng: Random) -> list[str]:
    found = [rng.choice(["latex", "latex", "compare", "shares"]), words.model(rng)]
    found += [words.model(rng)] if found[0] == "compare" else [words.name(rng)] if found[0] == "shares" else []
    for _ in range(rng.randint(0, 3)):
        found += rng.choice(
            [
                [
                    "--style",
                    words.damaged(
                        rng.choice(["grouped", "expanded", "annotated", "steps", "table", "leading", "notation"]), rng
                    ),
                ],
                ["--symbol", f"{words.name(rng)}={symbol(rng)}"],
                ["--numbers", words.damaged("thin", rng, 0.5)],
                ["--width", words.damaged(rng.choice(["3.3in", "240pt", "8cm", "1pt", "9999in"]), rng, 0.3)],
                [
                    "--to",
                    words.damaged(
                        rng.choice(["latex", "tex", "markdown", "html", "mathml", "text", "macros", "json"]), rng
                    ),
                ],
                ["--notation", words.damaged(rng.choice(["bert", "kaplan", "llama", "fields"]), rng, 0.3)],
                _flags(rng)[:2],
            ]
        )
    return found


def symbol(rng: Random) -> str:
    """LaTeX for a symbol, mostly."""
    return words.damaged(
        rng.choice(
            [
                "d",
                r"d_{\mathrm{model}}",
                r"\nu",
                "d_k",
                "d'",
                r"\text{a b}",
                r"\hat{H}",
                "H^2",
                "x_{1,2}",
                r"\mathbf{x}",
                r"\def\x{\x}\x",
                r"\csname end\endcsname",
                "{" * 300 + "x" + "}" * 300,
                r"\frac{a}{b}",
                "d_" * 50 + "d",
            ]
        ),
        rng,
        0.4,
    )


def _solving(rng: Random) -> list[str]:
    grid = [
        [
            "--free",
            rng.choice(
                [
                    "H=64..1024:64,N=1..24",
                    "N",
                    "I=64..4096:64",
                    "H=128..512:128,N",
                    f"H={words.span(rng)}",
                    f"{words.name(rng)}={words.span(rng)}",
                ]
            ),
        ]
    ]
    found = ["solve", words.model(rng), "--budget", words.budget(rng), *rng.choice(grid)]
    for _ in range(rng.randint(0, 2)):
        found += rng.choice(
            [
                ["-s", f"{words.name(rng)}={words.expression(rng)}"],
                ["--where", words.condition(rng)],
                ["--rank", words.expression(rng)],
                ["--tolerance", words.tolerance(rng) or "1%"],
                ["--rank", words.damaged("aspect=80", rng, 0.5)],
                ["-k", words.number(rng)],
                ["--reference", words.damaged("H=768,N=12", rng, 0.5)],
                _flags(rng)[:2],
            ]
        )
    return found


def _laddering(rng: Random) -> list[str]:
    budgets = ",".join(
        words.budget(rng) if rng.random() < 0.3 else b for b in ["10M", "30M", "100M"][: rng.randint(1, 3)]
    )
    found = ["ladder", rng.choice(["bert", "gpt2", "llama", words.model(rng)]), "--budgets", budgets]
    for _ in range(rng.randint(0, 2)):
        found += rng.choice(
            [
                ["--aspect", words.damaged(rng.choice(["64..128", "none", "32..256", "1..1"]), rng, 0.4)],
                ["--head-dim", words.number(rng)],
                ["--tolerance", words.tolerance(rng) or "5%"],
                ["-s", f"{words.name(rng)}={words.expression(rng)}"],
                ["--where", words.condition(rng)],
            ]
        )
    return found


# ------------------------------------------------------------------ Python


@cache
def _formula(name: str = "bert") -> Any:
    import symcount as sc

    return sc.formula(name)


def _values(rng: Random) -> dict[str, Any]:
    good = {"V": 30000, "L": 512, "H": 768, "I": 3072, "N": 12, "T": 2, "A": 12}
    for _ in range(rng.randint(0, 3)):
        good[rng.choice([*good, words.name(rng)])] = mutate.value(rng.randint(1, 99), rng)
    return good


def _called(values: dict[str, Any]) -> str:
    return _refusable(lambda: _formula().count(**values))


def _vectors(values: dict[str, Any]) -> str:
    """The vector form, with arrays of what would be scalars: the exact number, or a refusal."""
    import warnings

    import numpy as np

    def call() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            arrays = {
                k: np.array([v, v]) if not isinstance(v, list | dict) else v for k, v in values.items() if k != "A"
            }
        found = _formula().compile(vector=True)(**arrays)
        exact = _formula().compile()(**{k: int(np.asarray(v).flat[0]) for k, v in arrays.items()})
        if any(int(x) != exact for x in np.asarray(found).flat):
            raise WrongError(f"{found} instead of {exact} at {values}")

    return _refusable(call)


def _compiled(values: dict[str, Any]) -> str:
    def call() -> None:
        from symcount.core.values import exact

        formula = _formula()
        checked = {formula.notation[k].letter: exact(formula.notation[k], v) for k, v in values.items()}
        found = formula.compile()(**{k: v for k, v in checked.items() if k != "A"})
        v, l, h, i, n, t = (checked[x] for x in "VLHINT")
        if found != (v + l + t + 2) * h + n * (4 * h * h + 2 * h * i + 9 * h + i) + h * h + h:
            raise WrongError(f"{found} at {values}")

    return _refusable(call)


def _read_expression(text: str) -> str:
    from symcount.expressions.reader import read_expression

    return _refusable(lambda: read_expression(text, _formula().notation))


def _read_condition(text: str) -> str:
    from symcount.expressions.conditions import read_conditions

    return _refusable(lambda: read_conditions(text, _formula().notation))


def _read_budget(item: tuple[Any, Any]) -> str:
    from symcount.solver.budget import read_budget

    def call() -> None:
        found = read_budget(*item)
        if not (found.low <= found.target and (found.high is None or found.target <= found.high)):
            raise WrongError(f"{item}: {found}")

    return _refusable(call)


def _read_range(value: Any) -> str:
    from symcount.core.notation import entry
    from symcount.solver.ranges import read_range

    def call() -> None:
        found = read_range(entry("H"), value)
        if found.start not in found or found.start < 1 or (found.stop is not None and found.stop not in found):
            raise WrongError(f"{value!r}: {found}")

    return _refusable(call)


def _named(name: Any) -> str:
    import symcount as sc

    return _refusable(lambda: sc.formula(name))


def _name(rng: Random) -> Any:
    if rng.random() < 0.2:
        return mutate.value(3, rng)
    from symcount.architectures import names

    return words.damaged(rng.choice([*names(), "Gemma3ForCausalLM", "SwinModel", "ResNetModel"]), rng, 0.7)


def _latex(rng: Random) -> dict[str, Any]:
    look: dict[str, Any] = {
        "style": words.damaged("expanded", rng, 0.3),
        "symbols": {words.name(rng): rng.choice([symbol(rng), mutate.value(3, rng)])},
        "numbers": words.damaged("thin", rng, 0.5),
        "width": rng.choice(["3.3in", words.number(rng), mutate.value(3, rng)]),
        "notation": words.damaged("kaplan", rng, 0.5),
        "values": {words.name(rng): mutate.value(3, rng)},
        words.damaged("convention", rng, 0.2): words.damaged("active", rng, 0.5),
    }
    return {key: value for key, value in look.items() if rng.random() < 0.4}


def _typeset(look: dict[str, Any]) -> str:
    return _refusable(lambda: _formula("LlamaForCausalLM").latex(**look))


def _solved(item: dict[str, Any]) -> str:
    import symcount as sc

    def call() -> None:
        found = sc.solve(_formula(), item["budget"], **{k: v for k, v in item.items() if k != "budget"})
        for solution in found.best:
            values = {k: v for k, v in solution.values.items() if k in "VLHINTA"}
            if _formula().count(**values) != solution.counts["unique"]:
                raise WrongError(f"{item}: {solution}")

    return _refusable(call)


def _problem(rng: Random) -> dict[str, Any]:
    item: dict[str, Any] = {
        "budget": rng.choice(["110M", "20M", words.budget(rng)]),
        "free": {"H": "64..1024:64", "N": "1..24"},
    }
    if rng.random() < 0.3:
        item["free"] = rng.choice([{words.name(rng): words.span(rng)}, words.span(rng), {"N": mutate.value(3, rng)}])
    if rng.random() < 0.5:
        item["where"] = rng.choice([[words.condition(rng)], [words.condition(rng), words.condition(rng)]])
    if rng.random() < 0.4:
        item["fixed"] = {words.name(rng): rng.choice([words.expression(rng), mutate.value(3, rng)])}
    if rng.random() < 0.3:
        item["rank"] = words.expression(rng)
    if rng.random() < 0.3:
        item["tolerance"] = words.tolerance(rng)
    return item


ENTRIES = (
    Entry("config, stored formulas", _dict, _stored, 30, 60),
    Entry("class and sizes, stored", _sized, _stored, 30, 6),
    Entry("config, composed formulas", _dict, _composed, 30, 12),
    Entry("config, any way", _dict, _any_way, 90, 1),
    Entry("derive a config", _dict, _derived, 90, 1),
    Entry("count FILE, DIR, --jsonl, -", _file, _counted_file, 90, 24),
    Entry("count, breakdown, verify …", _counting, _command, 10, 6),
    Entry("latex, compare, shares", _typesetting, _command, 10, 6),
    Entry("solve", _solving, _command, 10, 3),
    Entry("ladder", _laddering, _command, 30, 1),
    Entry("Formula.count(**values)", _values, _called, SECONDS, 12),
    Entry("compile(vector=True)", _values, _vectors, SECONDS, 12),
    Entry("compile()", _values, _compiled, SECONDS, 6),
    Entry("expressions", words.expression, _read_expression, SECONDS, 24),
    Entry("conditions", words.condition, _read_condition, SECONDS, 12),
    Entry(
        "budgets",
        lambda rng: (
            rng.choice([words.budget(rng), mutate.value(3, rng)]),
            rng.choice([words.tolerance(rng), mutate.value(3, rng)]),
        ),
        _read_budget,
        SECONDS,
        24,
    ),
    Entry(
        "ranges",
        lambda rng: rng.choice([words.span(rng), words.span(rng), mutate.value(3, rng)]),
        _read_range,
        SECONDS,
        12,
    ),
    Entry("names of models", _name, _named, 10, 4),
    Entry("LaTeX of symbols, widths …", _latex, _typeset, SECONDS, 8),
    Entry("solve()", _problem, _solved, 10, 4),
)

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "critical")
os.environ.setdefault("COLUMNS", "200")
