"""What `symcount sweep` found, as a document: `symcount sweep --output sweep.jsonl`, then this on the file.

python benchmarks/coverage.py sweep.jsonl > benchmarks/COVERAGE.md
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path

DONE = ("exact", "pinned")
MEANING = {
    "exact": "derived, exact at every random point",
    "pinned": "the same, with some fields kept at their value",
    "failed": "no formula, or not exact",
    "timed_out": "not finished in the time given",
    "crashed": "the process died",
    "not_instantiable": "transformers itself does not build the default config",
}


def group(title: str, rows: list[dict]) -> str:
    built = [r for r in rows if r["status"] != "not_instantiable"]
    exact = [r for r in built if r["status"] in DONE]
    given = sum(bool(r.get("given")) for r in built)
    where = f" or, {given} of them, at the smallest config that transformers accepts" if given else ""
    counts = Counter(r["status"] for r in rows)
    lines = [
        f"## {title}",
        "",
        (
            f"{len(rows)} classes, of which {len(built)} can be built with their default config{where}; "
            f"**{len(exact)} of those ({len(exact) / max(1, len(built)):.1%}) have a closed form that is exact** at "
            f"{max((r['points'] for r in exact), default=0)} random points each."
        ),
        "",
        "| status | classes | meaning |",
        "|---|---:|---|",
        *(f"| {status} | {counts[status]} | {meaning} |" for status, meaning in MEANING.items() if counts[status]),
        "",
    ]
    ratios = [r["seconds_derive"] / r["seconds_plain"] for r in exact if r["seconds_plain"]]
    if ratios:
        lines += [
            (
                f"Deriving took {statistics.median(ratios):.1f} times as long as one plain construction (median, while "
                "other derivations ran; `benchmarks/derive_cost.py` measures it alone)."
            ),
            "",
        ]
    return "\n".join(lines)


def reasons(title: str, rows: list[dict]) -> str:
    if not rows:
        return ""
    lines = [f"### {title}", "", "| class | reason |", "|---|---|"]
    for row in sorted(rows, key=lambda r: r["class"]):
        text = " ".join(row["reason"].split()).replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| {row['class']} | {text[:220]}{'…' if len(text) > 220 else ''} |")
    return "\n".join([*lines, "", ""])


def main(source: str) -> None:
    rows = [json.loads(line) for line in Path(source).read_text(encoding="utf-8").splitlines() if line]
    base = [r for r in rows if r["base"]]
    heads = [r for r in rows if not r["base"]]
    print("# Coverage of transformers\n")
    print(f"By `symcount sweep`, transformers {version('transformers')}, torch {version('torch')}. Generated.\n")
    for title, part in (("Base models", base), ("Heads", heads)):
        if not part:
            continue
        print(group(title, part))
        print(reasons("Not exact", [r for r in part if r["status"] in ("failed", "timed_out", "crashed")]), end="")
        print(reasons("Fields kept at their value", [r for r in part if r["status"] == "pinned"]), end="")
        print(reasons("Not built by transformers", [r for r in part if r["status"] == "not_instantiable"]), end="")


if __name__ == "__main__":
    main(sys.argv[1])
