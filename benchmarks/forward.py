"""Operations beside other counts of them: `python -m benchmarks.forward JOURNAL [SECONDS]`, then `--write FILE`.

A model a line of the journal, so that the table may be made in parts. Beside symcount's closed form stand a count of
the elementary operations that ran, torch's `FlopCounterMode` (with the model as it is made by default), and the rule of
`6·N·D` (Kaplan et al. 2020) for a training step, N the parameters and D the tokens. Everything runs on the meta device.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

_LONGEST = 300  # signs of a formula in a table

# name, class, config fields, tokens of the input
MODELS: tuple[tuple[str, str, dict[str, Any], int], ...] = (
    ("GPT-2", "GPT2LMHeadModel", {}, 1024),
    ("Llama-3-8B", "LlamaForCausalLM", {"vocab_size": 128_256, "intermediate_size": 14_336, "num_key_value_heads": 8,
                                        "max_position_embeddings": 8192}, 8192),
    ("Qwen3-0.6B", "Qwen3ForCausalLM", {"vocab_size": 151_936, "hidden_size": 1024, "intermediate_size": 3072,
                                        "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8,
                                        "tie_word_embeddings": True}, 4096),
    ("Gemma-2-2B", "Gemma2ForCausalLM", {}, 4096),
    ("Mixtral-8x7B", "MixtralForCausalLM", {"max_position_embeddings": 32_768}, 4096),
    ("Qwen3-MoE (default)", "Qwen3MoeForCausalLM", {}, 4096),
    ("DeepSeek-V3", "DeepseekV3ForCausalLM", {}, 4096),
    ("GPT-OSS (default)", "GptOssForCausalLM", {}, 4096),
    ("Falcon (default)", "FalconForCausalLM", {}, 2048),
    ("BLOOM (default)", "BloomForCausalLM", {}, 2048),
    ("OPT-125M", "OPTForCausalLM", {}, 2048),
    ("Mamba-130M", "MambaForCausalLM", {}, 64),
    ("Mamba-2 (default)", "Mamba2ForCausalLM", {}, 1024),
    ("Qwen3-Next (default)", "Qwen3NextForCausalLM", {}, 64),
    ("BERT-base", "BertForMaskedLM", {}, 512),
    ("T5-small", "T5ForConditionalGeneration", {}, 512),
    ("Whisper (default)", "WhisperForConditionalGeneration", {}, 448),
    ("ViT-B/16", "ViTForImageClassification", {}, 0),
    ("ResNet-50", "ResNetForImageClassification", {}, 0),
    ("CLIP ViT-B/32", "CLIPModel", {}, 77),
)  # fmt: skip


def measure(name: str, cls: str, fields: dict[str, Any], tokens: int) -> dict[str, Any]:
    import symcount as sc
    from symcount.exact.evaluate import integer_value

    found = sc.flops(cls, **fields)
    if found.pinned.get("length", tokens) != tokens:
        found = sc.flops(cls, batch=1, length=tokens, **fields)
    at = {**found.defaults, "B": 1, "S": tokens, "S_src": tokens, "R": 224} if tokens else {**found.defaults, "B": 1}
    at = {k: v for k, v in at.items() if k in found.notation}
    if "R" in found.notation and "R" not in at:
        at["R"] = 224
    row: dict[str, Any] = {"name": name, "class": cls, "tokens": tokens, "forward": found.count(**at)}
    trained = found.training()
    row["training"] = trained.count(**at)
    lead = trained.leading()
    row["leading"] = found.set_symbols(lead)
    row["of leading"] = integer_value(lead, trained.values({k: v for k, v in at.items() if k in trained.notation}))
    row["parameters"] = sc.count({"architectures": [cls], **_typed(found), **fields})
    point = {**found.whole.base, **{e.field: at[e.letter] for e in found.notation if e.letter in at}}
    row["ran"], row["counter"] = ran_and_counted(found.whole, point)
    return row


def _typed(found: Any) -> dict[str, Any]:
    return {"model_type": found.model_type}


def ran_and_counted(formula: Any, point: dict[str, Any]) -> tuple[int | None, Any]:
    """The elementary operations that ran, and what `FlopCounterMode` says of the model as it is."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from symcount.concolic.config.symbolic import build
    from symcount.concolic.session import quiet
    from symcount.forward.certificate import counted
    from symcount.forward.running import run

    with quiet(), torch.device("meta"):
        config = build(formula.source, point, frozenset(point)).config
    ran = sum(counted(formula.cls.of, config).values())
    for dtype in (torch.float32, torch.bfloat16):  # experts are multiplied together in half precision only
        mode = FlopCounterMode(display=False)
        before = torch.get_default_dtype()
        try:
            torch.set_default_dtype(dtype)
            with quiet(), torch.device("meta"), torch.no_grad():
                config = build(formula.source, point, frozenset(point)).config
                model = formula.cls.of(config).eval()
                run(model, config, dtype=str(dtype).removeprefix("torch."), cached=False, mode=lambda _, m=mode: m)
            return ran, mode.get_total_flops()
        except Exception as error:  # noqa: BLE001  # whatever it raises is the answer
            said = type(error).__name__
        finally:
            torch.set_default_dtype(before)
    return ran, said


def table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| model | tokens | forward, symcount | elementary operations that ran | FlopCounterMode |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        counter = row["counter"]
        said = counter if isinstance(counter, str) else f"{100 * (counter / row['forward'] - 1):+.2f} %"
        said = "equal" if counter == row["forward"] else said
        ran = "equal" if row["ran"] == row["forward"] else f"{row['ran']:,}"
        tokens = f"{row['tokens']:,}" if row["tokens"] else "an image"
        lines.append(f"| {row['name']} | {tokens} | {row['forward']:,} | {ran} | {said} |")
    lines += [
        "",
        "## The rule of 6ND",
        "",
        (
            "Of a training step `f.training().leading()` is what is left in a very large model: six operations for "
            "each parameter of the matrices that a token goes through. Beside it how much more a step takes, by the "
            "closed form, and how wrong `6·N·D` is, N all parameters and D the tokens: too little where attention "
            "weighs, too much where parameters are tables, or experts that rest."
        ),
        "",
        "| model | tokens | leading | training / leading | error of 6ND |",
        "|---|---:|---|---:|---:|",
    ]
    for row in rows:
        if row["tokens"]:
            rule = 6 * row["parameters"] * row["tokens"]
            more = f"{row['training'] / row['of leading']:.3f}" if row["of leading"] else "–"
            lead = f"${row['leading']}$" if len(row["leading"]) <= _LONGEST else "long"
            lines.append(f"| {row['name']} | {row['tokens']:,} | {lead} | {more} | "
                         f"{100 * (rule / row['training'] - 1):+.1f} % |")  # fmt: skip
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    journal = Path(arguments[0])
    rows = [json.loads(line) for line in journal.read_text().splitlines()] if journal.is_file() else []
    if "--write" in arguments:
        order = {name: i for i, (name, *_) in enumerate(MODELS)}
        rows.sort(key=lambda row: order[row["name"]])
        Path(arguments[arguments.index("--write") + 1]).write_text(f"{HEAD}\n{table(rows)}\n", encoding="utf-8")
        return
    limit = float(arguments[1]) if len(arguments) > 1 else float("inf")
    start, done = time.monotonic(), {row["name"] for row in rows}
    for item in MODELS:
        if item[0] in done or time.monotonic() - start > limit:
            continue
        row = measure(*item)
        with journal.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(row, flush=True)


HEAD = """# Operations beside other counts

`python -m benchmarks.forward`: a forward pass of one sequence. *Elementary operations that ran*: an independent count
below all functions of torch. *FlopCounterMode*: torch's counter on the model as it is made by default.
"""


if __name__ == "__main__":
    main(sys.argv[1:])
