"""What was measured on an H200 (torch 2.11.0, transformers 5.17.0): caches as they were held, operations as counted.

`gpu.json` has of each model its class, its config, and what was measured for so many sequences of so many tokens. Of
operations it has those models of which torch's counter is right: attention is fused and multiplies for its scores again
in the backward pass. It is not of scans (Mamba-2), nor of grouped convolutions backward (RecurrentGemma).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import symcount as sc
from symcount.forward.stored import default_path
from tests.sampling import sampled

MEASURED = json.loads(Path(__file__).with_name("gpu.json").read_text())
STORED = {json.loads(line)["class"] for line in default_path().read_text(encoding="utf-8").splitlines()}


def described(name, fields):
    return {"architectures": [name], "model_type": sc.formula(name).model_type, **fields}


@pytest.mark.parametrize(
    ("model", "name", "fields", "held"),
    sampled([tuple(row) for row in MEASURED["caches"]],
            kept=[tuple(row) for row in MEASURED["caches"] if row[1] in STORED]),
)  # fmt: skip
def test_a_cache_holds_what_was_measured(model, name, fields, held):
    config = described(name, {"max_position_embeddings": 4096, **fields})
    found = sc.cache(config).bytes("bf16")
    letters = found.sizes.values()
    for batch, length, size in held:
        given = {k: v for k, v in {"B": batch, "S": length}.items() if k in letters and k in found.notation}
        assert found.count(config, **given) == size, (model, batch, length)


@pytest.mark.parametrize(
    ("model", "name", "fields", "counted"), sampled([tuple(row) for row in MEASURED["operations"]], 3, 2)
)
def test_operations_are_those_that_were_counted(model, name, fields, counted):
    pytest.importorskip("transformers")
    found = sc.flops(described(name, fields))
    parts = {"forward": found, "train": found.training(fused=True)}
    for kind, batch, length, number in counted:
        given = {k: v for k, v in {"B": batch, "S": length}.items() if k in found.notation}
        at = {k: v for k, v in {**found.defaults, **given}.items() if k in parts[kind].notation}
        assert parts[kind].count(**at) == number, (model, kind, batch, length)
