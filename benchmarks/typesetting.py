"""How the formulas of all classes are set: a survey, as a table.

python -m benchmarks.typesetting [--every N] [--class NAME]... [--output FILE.jsonl]

Of each class: the LaTeX of its formula, symbols that no rule shortened, labels with a number, the leading term, whether
a document can be made, and whether what is printed equals the total. A file of results is continued where it ended.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

from sympy import Dummy, Expr, Max, Min, Mod, ceiling, expand, floor

import symcount as sc
from symcount.architectures import names as composed
from symcount.atlas.counting import counter
from symcount.errors import SymcountError
from symcount.exact.evaluate import Round, compile_scalar
from symcount.formulas.formula import Formula
from symcount.typeset.styles import form, leading_error

_INVENTED = re.compile(r"_\{\\mathrm\{[^}]*(?:\\,|[^\\{},]{9,})")  # a subscript of several words, or of a long one
_NUMBERED = re.compile(r"\(\d+\)\}")
_POINTS = 3
WORST = Fraction(1, 5)


def examine(name: str) -> dict[str, Any]:
    """What is to be said of one class."""
    started = time.perf_counter()
    try:
        formula = sc.formula(name)
    except SymcountError as error:
        return {"class": name, "formula": False, "error": f"{type(error).__name__}: {error}"[:200]}
    row: dict[str, Any] = {"class": name, "formula": True, "origin": formula.origin}
    row["seconds_formula"] = round(time.perf_counter() - started, 2)
    started = time.perf_counter()
    try:
        latex = formula.latex()
        row |= {"length": len(latex), "invented": len(_INVENTED.findall(latex)), "superscripts": "^{\\mathrm" in latex}
        row["numbered"] = bool(_NUMBERED.search(formula.latex("annotated")))
        row["leading"] = leading(formula)
    except Exception as error:  # noqa: BLE001  # every failure is a line of the survey
        row["style_error"] = f"{type(error).__name__}: {error}"[:200]
    row["seconds_styles"] = round(time.perf_counter() - started, 2)
    started = time.perf_counter()
    try:
        for style in ("grouped", "steps", "table"):
            formula.typeset("tex", style)
    except Exception as error:  # noqa: BLE001  # the same
        row["document_error"] = f"{type(error).__name__}: {error}"[:200]
    row["seconds_documents"] = round((time.perf_counter() - started) / 3, 2)
    try:
        row["equal"] = equal(formula)
    except Exception as error:  # noqa: BLE001  # the same
        row |= {"equal": False, "value_error": f"{type(error).__name__}: {error}"[:200]}
    return row


def leading(formula: Formula) -> str:
    """`none`, `whole` (no shorter than the formula), `off` by more than a fifth, or `good`."""
    setting = formula.setting()
    shown = leading_error(setting)
    if shown is None:
        return "none"
    top, error = shown
    if len(setting.latex(top)) >= len(formula.latex()):
        return "whole"
    return "off" if abs(error) > WORST else "good"


def equal(formula: Formula) -> bool:
    """Whether the printed forms are the total: as symbols, or, where roundings hide it, at random points exactly."""
    setting = formula.setting()
    generator = random.Random(formula.name)
    for style in ("grouped", "compact"):
        value = setting.value(form(setting, style))
        if same(value, setting.total):
            continue
        shown, total = compile_scalar(value), compile_scalar(setting.total)
        for _ in range(_POINTS):
            values = {
                e.letter: Fraction(generator.randint(3, 999), generator.randint(1, 9))
                if e.rational
                else generator.randint(3, 9999)
                for e in formula.notation
            }
            if shown(values) != total(values):
                return False
    return True


def same(one: Expr, other: Expr) -> bool:
    """Whether two expressions are one polynomial in their symbols and roundings."""
    difference = one - other
    roundings = difference.atoms(floor, ceiling, Min, Max, Mod, Round)
    outer = {r: Dummy() for r in sorted(roundings, key=lambda r: -len(str(r)))}
    return bool(expand(difference.xreplace(outer)) == 0)


def table(rows: list[dict[str, Any]]) -> str:
    """The survey in Markdown."""
    groups = {origin: [r for r in rows if r["formula"] and r["origin"] == origin] for origin in ("composed", "derived")}
    lines = [f"| | {' | '.join(f'{origin} ({len(found)})' for origin, found in groups.items())} |", "|---|---:|---:|"]

    def line(title: str, value: Any) -> None:
        lines.append(f"| {title} | {' | '.join(str(value(found)) if found else '' for found in groups.values())} |")

    def lengths(found: list[dict[str, Any]]) -> str:
        sizes = sorted(r["length"] for r in found if "length" in r)
        return f"{statistics.median(sizes):,.0f} / {sizes[int(0.9 * (len(sizes) - 1))]:,} / {sizes[-1]:,}"

    line("median / 90 % / longest LaTeX, characters", lengths)
    line("with a symbol that no rule shortened", lambda found: sum(r.get("invented", 0) > 0 for r in found))
    line('with a label "x (2)" in `annotated`', lambda found: sum(r.get("numbered", False) for r in found))
    line("leading term worse than 20 %", lambda found: sum(r.get("leading") == "off" for r in found))
    line("leading term as long as the formula", lambda found: sum(r.get("leading") == "whole" for r in found))
    line("without a leading term", lambda found: sum(r.get("leading") == "none" for r in found))
    line("a style or document raises an error", lambda f: sum("style_error" in r or "document_error" in r for r in f))
    line("printed form differs from the total", lambda found: sum(not r["equal"] for r in found))
    line(
        "longest time for a document, seconds",
        lambda found: max(r["seconds_documents"] for r in found),
    )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.typesetting", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every Nth class")
    parser.add_argument("--class", dest="classes", action="append", help="only this class; may be repeated")
    parser.add_argument("--output", type=Path, help="write results here, one a line; continue where it ended")
    options = parser.parse_args(arguments)
    atlas = counter()
    wanted = options.classes or sorted({*composed(), *(atlas.atlas.names if atlas else ())})[:: options.every]
    rows: list[dict[str, Any]] = []
    if options.output and options.output.exists():
        rows = [json.loads(line) for line in options.output.read_text(encoding="utf-8").splitlines() if line]
    done = {row["class"] for row in rows}
    for number, name in enumerate(wanted, 1):
        if name in done:
            continue
        rows.append(examine(name))
        if options.output:
            with options.output.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1]) + "\n")
        if number % 20 == 0:
            print(f"{number} of {len(wanted)}: {name}", file=sys.stderr, flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
