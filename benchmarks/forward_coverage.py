"""Of which classes of transformers' auto mappings the operations and the caches have closed forms.

    python -m benchmarks.forward_coverage JOURNAL [--most 200] [--only cache] [--pattern llama] [--seconds 400]
    python -m benchmarks.forward_coverage JOURNAL --write docs/forward.md

A class a line of the journal, written at once: what was interrupted is continued. Each class is examined in a process
that is killed when its time is up. They come in the order of a hash of their names, so the first ones are a sample.
A formula counts as one if it agrees with real models at random points: operations with a count of the elementary
operations that ran, module by module; caches tensor by tensor.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from symcount.survey import journal
from symcount.survey.coverage import candidates
from symcount.survey.workers import Candidate, Service, answers, serve

BEGIN, END = "<!-- coverage -->", "<!-- /coverage -->"
TOKENS = 64
#: Groups of the mappings that classes are listed in; a class is in the first that has it.
GROUPS = (
    ("decoders", ("CAUSAL_LM",)),
    ("encoders with a decoder", ("SEQ_TO_SEQ_CAUSAL_LM", "SPEECH_SEQ_2_SEQ")),
    ("texts and images, or sounds", ("IMAGE_TEXT_TO_TEXT", "MULTIMODAL_LM", "VISUAL_QUESTION_ANSWERING")),
    ("base models", ("",)),
    ("other heads", ()),
)


def examine(name: str, model_type: str, base: bool, what: str = "flops", trials: int = 2) -> dict[str, Any]:
    """The line of a class: its closed form, or the reason why there is none."""
    from symcount.derivation.resolve import shortened
    from symcount.errors import DerivationError, SymcountError
    from symcount.forward.api import derived_cache, flops

    row: dict[str, Any] = {"class": name, "model_type": model_type, "what": what, "base": base}
    if refused := _unbuilt(name):
        return {**row, "status": "not built", "reason": refused}
    begun = time.monotonic()
    try:
        if what == "flops":
            found: Any = flops(name)
            row["formula"] = str(found.total)[:2000]
            with suppress(DerivationError):  # fewer could be built: some were compared before it was given
                row["points"] = found.certify(trials, seed=7)
        else:
            found = derived_cache(name)
            row["points"] = found.certify(trials, seed=7).passed
            row |= _held(found)
    except SymcountError as error:
        row |= {"status": "refused", "reason": " ".join(str(error).split())[:400]}
    except Exception as error:  # noqa: BLE001  # a defect of ours, which the table is to show
        row |= {"status": "error", "reason": shortened(error)}
    else:
        row |= {"status": "exact", "pinned": sorted(found.pinned)}
    return {**row, "seconds": round(time.monotonic() - begun, 1)}


def _held(found: Any) -> dict[str, Any]:
    """Elements and bytes in bf16 of the cache of one text of `TOKENS` tokens, without the numbers of sliding layers."""
    from symcount.exact.evaluate import integer_value

    kept = found.pinned  # a size of the input that the formula keeps
    given = {**found.defaults, "B": kept.get("batch", 1), "S": kept.get("length", TOKENS), "S_src": TOKENS}
    sized = found.bytes("bf16")
    at = sized.values({k: v for k, v in given.items() if k in found.notation})
    held = sum(integer_value(r.total, at) for r in sized.ledger if not r.name.startswith("_"))
    return {"formula": str(found.total)[:2000], "bytes": held}


def _unbuilt(name: str) -> str:
    """What transformers says where it builds no model from the default config."""
    import torch

    from symcount.concolic.session import quiet
    from symcount.derivation.given_configs import given_for
    from symcount.derivation.resolve import model_class, shortened

    try:
        cls: Any = model_class(name)
        with quiet(), torch.device("meta"):
            cls(cls.config_class(**(given_for(cls) or {})))
    except Exception as error:  # noqa: BLE001  # a constructor raises whatever it likes
        return shortened(error)
    return ""


def groups() -> dict[str, str]:
    """Class -> the group of auto mappings that it is in."""
    import transformers.models.auto.modeling_auto as auto

    listed: dict[str, set[str]] = {}
    for table in (n for n in vars(auto) if n.startswith("MODEL_") and n.endswith("MAPPING_NAMES")):
        kind = table.removeprefix("MODEL_").removeprefix("FOR_").removesuffix("MAPPING_NAMES").rstrip("_")
        for value in getattr(auto, table).values():
            for name in value if isinstance(value, list | tuple) else (value,):
                listed.setdefault(name, set()).add(kind)
    return {n: next((g for g, of in GROUPS if kinds & set(of)), GROUPS[-1][0]) for n, kinds in listed.items()}


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """How many classes of each group have a closed form."""
    own = groups()
    rows = [r for r in rows if r["class"] in own]
    seen = {what: {r["class"] for r in rows if r["what"] == what} for what in ("flops", "cache")}
    lines = [
        (
            f"Of the {len(own):,} classes of the mappings {len(seen['flops']):,} were examined for operations "
            f"({_which(own, seen['flops'])}) and {len(seen['cache']):,} for caches ({_which(own, seen['cache'])}). "
            "Those that transformers itself does not build from their defaults are left out, and so are for caches "
            "those that have none."
        ),
        "",
        "| classes | operations | caches |",
        "|---|---:|---:|",
    ]
    rows = [r for r in rows if r["status"] != "not built"]
    for group in [*(g for g, _ in GROUPS), "all"]:
        cells = []
        for what in ("flops", "cache"):
            part = [r for r in rows if r["what"] == what and group in (own[r["class"]], "all") and not _none(r)]
            good = sum(r["status"] == "exact" for r in part)
            cells.append(f"{good:,} of {len(part):,} ({good / len(part):.1%})" if part else "–")
        lines.append(f"| {group} | {' | '.join(cells)} |")
    kinds = Counter((r["what"], _kind(r)) for r in rows if r["status"] not in ("exact", "not built") and not _none(r))
    lines += ["", "| of | why not | classes |", "|---|---|---:|"]
    said = {"flops": "operations", "cache": "caches"}
    lines += [f"| {said[what]} | {kind} | {n} |" for (what, kind), n in kinds.most_common()]
    return "\n".join(lines)


def _which(own: Mapping[str, str], seen: set[str]) -> str:
    """Of which groups all classes were examined; of others the first ones by a hash of their names are a sample."""
    whole = [g for g, _ in GROUPS if {n for n, group in own.items() if group == g} <= seen]
    others = {own[n] for n in seen} - {*whole}
    said = [f"all {' and all '.join(whole)}"] if whole else []
    return ", ".join([*said, *([f"{'of the others ' if whole else ''}the first by a hash"] if others else [])])


def _none(row: Mapping[str, Any]) -> bool:
    """Whether the class has no cache at all."""
    return row["what"] == "cache" and "has no cache" in row.get("reason", "")


def _kind(row: Mapping[str, Any]) -> str:
    """The kind of a reason."""
    reason = row.get("reason", "")
    kinds = (
        ("no closed form of its", "no closed form that agrees at random points"),
        ("took more", "time"),
        ("content of a tensor", "asks for a number that is the content of a tensor"),
        ("on meta tensors", "asks for a number that is the content of a tensor"),
        ("of which nothing is known", "wants an argument of which nothing is known"),
        ("are not known", "a product whose sizes no rule says"),
        ("needs", "a package that is not installed"),
        ("register_meta", "how many things there are is the content of a tensor"),
        ("cannot be followed", "its code raises for such an input"),
    )
    return next((said for part, said in kinds if part in reason), "something else")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forward_coverage", description=__doc__)
    parser.add_argument("journal", type=Path, nargs="?")
    parser.add_argument("--most", type=int, help="so many classes of them: a sample")
    parser.add_argument("--only", choices=("flops", "cache"), default="flops")
    parser.add_argument("--pattern", default="", help="a part of the class's name or model type")
    parser.add_argument("--group", default="", help="of the groups of the table")
    parser.add_argument("--names", type=Path, help="a file of names, one a line")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no class after so many")
    parser.add_argument("--timeout", type=float, default=240.0, help="seconds a class may take")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--write", type=Path, help="put the table into that page instead")
    options = parser.parse_args(arguments)
    if options.journal is None:
        return serve(examine, _ready)
    rows = journal.read(options.journal, dict, "a survey of forward passes")
    if options.write:
        head, _, rest = options.write.read_text(encoding="utf-8").partition(BEGIN)
        tail = rest.partition(END)[2]
        options.write.write_text(f"{head}{BEGIN}\n{table(rows)}\n{END}{tail}", encoding="utf-8")
        return None
    known = {(r["class"], r["what"]) for r in rows}
    chosen = tuple(sorted(candidates(options.pattern), key=_shuffled))[: options.most]
    if options.names:
        names = options.names.read_text().split()
        chosen = tuple(c for c in candidates() if c.name in names)
    if options.group:
        own = groups()
        chosen = tuple(c for c in chosen if own.get(c.name) == options.group)
    chosen = tuple(c for c in chosen if (c.name, options.only) not in known)
    service: Service[dict[str, Any]] = Service(
        "benchmarks.forward_coverage", {"what": options.only}, options.timeout, dict,
        lambda c, late, said: {"class": c.name, "what": options.only, "base": c.base,
                               "status": "late" if late else "error", "reason": said},
    )  # fmt: skip
    begun = time.monotonic()
    for row in answers(service, chosen, options.jobs):
        journal.append(options.journal, row)
        print(row["class"], row["status"], row.get("seconds", ""), row.get("reason", "")[:200], flush=True)
        if time.monotonic() - begun > options.seconds:
            break
    return None


def _shuffled(candidate: Candidate) -> str:
    """By what the classes are ordered: a hash of the name."""
    return hashlib.sha256(candidate.name.encode()).hexdigest()


def _ready() -> dict[str, Any]:
    import torch  # noqa: F401  # what every class needs is imported before its time counts
    import transformers  # noqa: F401

    import symcount.forward.api  # noqa: F401

    return {}


if __name__ == "__main__":
    main()
