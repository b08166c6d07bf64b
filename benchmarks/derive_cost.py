"""What a derivation costs, in units of one plain construction of the model.

    python -m benchmarks.derive_cost            # a sample of 40 base models
    python -m benchmarks.derive_cost --all      # every base model of the auto mapping

For each class, in one run and in turns, so that load hits both: the processor time of `derive(cls)` and `f.total`
(without certificate) and that of `cls(cls.config_class())` on the meta device. The median of several rounds counts; the
very first derivation, with cold caches, is in a column of its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Iterable, Iterator

from benchmarks.harness import Row, duration, factor, seconds, series
from symcount.errors import SymcountError
from symcount.survey.coverage import candidates
from symcount.survey.rows import versions

BATCH = 40  # classes a process: what earlier ones have imported slows a trace down


# the deepest, the widest and those with the most modules
LARGE = [
    "DeepseekV3ForCausalLM", "Qwen3MoeForCausalLM", "LlamaForCausalLM", "BloomModel", "EfficientNetModel", "SwinModel",
    "Mask2FormerModel", "SeamlessM4TModel", "WhisperModel", "T5ForConditionalGeneration",
]  # fmt: skip


def measure(task: tuple[str, int, dict]) -> dict:
    """Times of one class, with some fields of its config given, or why there are none."""
    name, rounds, fields = task
    import torch
    from transformers.utils import logging

    from symcount.derivation.api import derive
    from symcount.derivation.resolve import model_class

    logging.set_verbosity(logging.CRITICAL)
    warnings.simplefilter("ignore")

    def plain() -> None:
        with torch.device("meta"):
            cls(cls.config_class(**fields))

    def derived() -> None:
        assert derive(cls, config=cls.config_class(**fields) if fields else None).total is not None

    try:
        cls = model_class(name)
        plain()
        with torch.device("meta"):
            modules = sum(1 for _ in cls(cls.config_class(**fields)).modules())
    except Exception as error:  # noqa: BLE001  # whatever a constructor raises
        return {"class": name, "skipped": " ".join(str(error).split())[:100]}
    try:
        first = seconds(derived)
        pairs = [(seconds(plain), seconds(derived)) for _ in range(rounds)]
    except SymcountError as error:
        return {"class": name, "failed": " ".join(str(error).split())[:200]}
    once, whole = (statistics.median(column) for column in zip(*pairs, strict=True))
    found = derive(cls)
    runs = sum(line.startswith("run:") for line in found.story)  # those that the model refused, too
    return {"class": name, "modules": modules, "symbols": len(found.symbols), "runs": runs, "plain": once,
            "derive": whole, "first": first, "ratio": whole / once}  # fmt: skip


def measured(tasks: Iterable[tuple[str, int, dict]], jobs: int = 1) -> Iterator[dict]:
    """The tasks' results, as they come, from processes that are new from time to time."""
    with multiprocessing.get_context("spawn").Pool(jobs, maxtasksperchild=BATCH) as pool:
        yield from pool.imap_unordered(measure, tasks)


def sample(number: int) -> list[str]:
    """Base models, evenly spread over the mapping."""
    names = [c.name for c in candidates(base_only=True)]
    return names[:: max(1, len(names) // number)]


def rows(quick: bool) -> Iterator[Row]:
    rounds = 1 if quick else 3
    for item in measured((name, rounds, {}) for name in (["GPT2Model"] if quick else LARGE)):
        if "ratio" in item:
            work = f"{item['class']}, {item['modules']:,} modules"
            yield Row("derive", work, "building it once on the meta device", item["derive"], item["plain"], 1.0)
    if not quick:
        good = [item for item in measured((name, rounds, {}) for name in sample(24)) if "ratio" in item]
        plain, derive = (statistics.median(item[key] for item in good) for key in ("plain", "derive"))
        yield Row(
            "derive", f"the median of {len(good)} base models", "building it once on the meta device", derive, plain
        )


def growth(quick: bool) -> Iterator[str]:
    """Over the depth of one model."""
    depths = (1, 4) if quick else (2, 8, 32, 128)
    tasks = [("LlamaModel", 1 if quick else 3, {"num_hidden_layers": n}) for n in depths]
    found = sorted((item for item in measured(tasks) if "ratio" in item), key=lambda item: item["modules"])
    lines = [
        (depth, item["modules"], duration(item["derive"]), duration(item["plain"]), factor(1 / item["ratio"]))
        for depth, item in zip(depths, found, strict=True)
    ]
    heads = ("layers", "modules", "derive", "build once", "ratio")
    yield series("Deriving, by the depth of the config (LlamaModel)", heads, lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--all", action="store_true", help="every base model")
    parser.add_argument("--sample", type=int, default=40, help="how many otherwise, evenly spread over the mapping")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="processes; they disturb each other's times")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    os.environ.update(TRANSFORMERS_VERBOSITY="error", HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1")
    names = [c.name for c in candidates(base_only=True)] if arguments.all else sample(arguments.sample)
    found = []
    start = time.perf_counter()
    for item in measured([(name, arguments.rounds, {}) for name in names], arguments.jobs):
        found.append(item)
        if arguments.json:
            print(json.dumps(item), flush=True)
        elif "ratio" in item:
            times = " ".join(f"{1000 * item[key]:9.1f}" for key in ("plain", "derive", "first"))
            print(f"{item['class']:45} {times} ms {item['ratio']:7.2f}", flush=True)
        else:
            print(f"{item['class']:45} {item.get('failed') or 'not instantiable: ' + item['skipped']}", flush=True)
    good = [item for item in found if "ratio" in item]
    summary = {
        "classes": len(good),
        "failed": sum("failed" in item for item in found),
        "not_instantiable": sum("skipped" in item for item in found),
        "median_runs": statistics.median(item["runs"] for item in good),
        "runs": sum(item["runs"] for item in good),
        "median_ratio": statistics.median(item["ratio"] for item in good),
        "median_ratio_first": statistics.median(item["first"] / item["plain"] for item in good),
        "seconds_derive": sum(item["derive"] for item in good),
        "seconds_first": sum(item["first"] for item in good),
        "seconds_plain": sum(item["plain"] for item in good),
        "wall_seconds": time.perf_counter() - start,
        "rounds": arguments.rounds,
        "jobs": arguments.jobs,
        "versions": versions(),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
    if arguments.json:
        print(json.dumps(summary))
        return
    print(f"\n{'':45}     plain    derive     first         ratio")
    for key, value in summary.items():
        print(f"{key}: {value:.2f}" if isinstance(value, float) else f"{key}: {value}")


if __name__ == "__main__":
    sys.exit(main())
