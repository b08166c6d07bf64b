"""Random problems whose answers are built: a solution is where transformers' model has a count in the window.

    python -m benchmarks.random_problems

Each problem is a class, two of its sizes with their numbers, and a window of counts around the middle one; among the
classes are some with several formulas (ELECTRA, RoFormer) and with fields that follow others where they are null. The
other road is transformers on the meta device, at every point of the grid.
"""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import symcount as sc

SMALL = {"V": 96, "N": 2, "I": 64, "H": 32, "A": 4, "L": 32, "E": 4, "k": 2, "K": 2, "M": 32}
CLASSES = [
    "BertModel", "GPT2Model", "LlamaForCausalLM", "Olmo2ForCausalLM", "ArceeForCausalLM", "OPTModel", "ElectraModel",
    "RoFormerModel", "MixtralForCausalLM", "Qwen2ForCausalLM", "T5Model", "MT5Model", "ViTModel", "FalconModel",
    "MistralForCausalLM", "GPTNeoXForCausalLM", "PhiForCausalLM", "StableLmForCausalLM", "GemmaForCausalLM",
    "BertForMaskedLM", "DistilBertModel", "RobertaModel", "XLNetModel", "MPNetModel", "AlbertModel", "BloomModel",
    "CohereForCausalLM", "GraniteForCausalLM", "CamembertModel", "SmolLM3ForCausalLM", "Starcoder2ForCausalLM",
    "Qwen3ForCausalLM", "OlmoForCausalLM", "PersimmonForCausalLM", "GPTJForCausalLM", "CodeGenForCausalLM",
    "DeiTModel", "BeitModel", "ConvBertModel", "NystromformerModel",
]  # fmt: skip


def real(name: str, formula: sc.Formula, values: dict[str, int]) -> int | None:
    """The count of transformers' model at *values*; `None` where it cannot be built."""
    if "K" in values and "A" in values and values["A"] % values["K"]:
        return None  # it is built, and does not run
    return built(name, {formula.notation[n].field: v for n, v in values.items()})


def built(name: str, fields: dict[str, Any]) -> int | None:
    import torch
    import transformers

    cls = getattr(transformers, name)
    try:
        with torch.device("meta"):
            model = cls(cls.config_class(**fields))
    except Exception:  # noqa: BLE001  # what cannot be built raises whatever it likes
        return None
    return sum(p.numel() for p in model.parameters())


def problem(name: str, seed: int) -> tuple[sc.Formula, dict[str, list[int]], dict[str, int]]:
    rng = random.Random(f"{name} {seed}")
    formula = sc.formula(name)
    letters = [n for n in ("H", "N", "I", "A", "K", "Z") if n in formula.notation]
    free = rng.sample(letters, min(2, len(letters)))
    grids = {
        "H": [32, 48, 64, 96],
        "N": [1, 2, 3],
        "I": [32, 64, 100],
        "A": [2, 4, 8],
        "K": [1, 2, 4],
        "Z": [32, 48, 64],
    }
    ranges = {n: grids[n] for n in free}
    fixed = {n: SMALL[n] for n in ("V", "H", "N", "A", "K") if n in formula.notation and n not in ranges}
    return formula, ranges, fixed


def compare(name: str, seed: int) -> tuple[int, int]:
    """How many solutions a problem has, and points; they are the same by both roads, or this fails."""
    formula, ranges, fixed = problem(name, seed)
    counts = {}
    for point in product(*ranges.values()):
        counts[point] = real(name, formula, {**fixed, **dict(zip(ranges, point, strict=True))})
    known = sorted(c for c in counts.values() if c is not None)
    if not known:
        return 0, len(counts)
    middle = known[len(known) // 2]
    low, high = middle * 9 // 10, middle * 11 // 10
    wanted = {p: c for p, c in counts.items() if c is not None and low <= c <= high}
    found = sc.solve(name, f"{low}..{high}", free=ranges, fixed=fixed, limit=None)
    got = {tuple(s.values[n] for n in ranges): s.count for s in found}
    if found.left_open:  # what is open may be chosen to fit, where the class's default does not
        assert wanted.items() <= got.items(), (name, seed)
        for solution in found:
            if tuple(solution.values[n] for n in ranges) not in wanted:
                assert built(name, solution.config()) == solution.count, (name, seed)
    else:
        assert got == wanted, (name, seed)
    return len(wanted), len(counts)


def main() -> None:
    solutions = points = 0
    for name in CLASSES:
        for seed in range(5):
            found, looked = compare(name, seed)
            solutions, points = solutions + found, points + looked
    print(
        f"{5 * len(CLASSES)} problems of {len(CLASSES)} classes, {points:,} points built by transformers: "
        f"{solutions:,} solutions, the same sets"
    )


if __name__ == "__main__":
    main()
