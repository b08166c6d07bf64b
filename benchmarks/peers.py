"""symcount beside other estimates of memory, and beside the real models: `python -m benchmarks.peers` writes PEERS.md.

The peers are asked where they are installed (`pip install --no-deps accelerate llm-analysis hf-mem fire termcolor`):
accelerate's `estimate-memory`, llm-analysis, and the rule by which hf-mem sizes a cache. The real thing is the model on
the meta device: its parameters in the type in which `from_pretrained` loads them, and the cache that its forward pass
returns.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("PEERS.md")
LENGTH = 1024

MODELS = (
    "LlamaForCausalLM", "MistralForCausalLM", "Qwen3ForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM",
    "GPT2LMHeadModel", "GPTNeoXForCausalLM", "FalconForCausalLM", "BloomForCausalLM", "Phi3ForCausalLM",
    "Olmo2ForCausalLM", "MixtralForCausalLM", "Qwen3MoeForCausalLM", "DeepseekV3ForCausalLM", "GptOssForCausalLM",
    "MambaForCausalLM", "Mamba2ForCausalLM", "RecurrentGemmaForCausalLM", "BertForMaskedLM",
    "ViTForImageClassification", "IBertForMaskedLM", "RwkvForCausalLM",
)  # fmt: skip


def real(name: str, config: Any) -> tuple[int, int | None, Any]:
    """Bytes of the real model's parameters in bf16, those of its cache, and the model."""
    import torch
    import transformers

    from symcount.verification.real_model import default_dtype

    cls = getattr(transformers, name)
    with default_dtype("bfloat16"), torch.device("meta"):
        model = cls(config).eval()
        plan = model._get_dtype_plan(torch.bfloat16)
    import re

    kept = re.compile("|".join(k.replace("*", ".*") for k in plan)) if plan else None
    weights = sum(
        4 * p.numel() if kept is not None and kept.search(n) else p.nbytes for n, p in model.named_parameters()
    )
    if not name.endswith(("CausalLM", "LMHeadModel")):
        return weights, None, model
    with torch.no_grad(), torch.device("meta"), default_dtype("bfloat16"):
        found = model(input_ids=torch.zeros(1, LENGTH, dtype=torch.int64), use_cache=True)
    return weights, held(found), model


def held(output: Any) -> int | None:
    """Bytes of the tensors that an output's cache holds; `None` where there is none."""
    import torch

    seen: dict[int, int] = {}

    def walk(value: Any, depth: int) -> None:
        if torch.is_tensor(value):
            seen[id(value)] = value.nbytes
        elif isinstance(value, dict):
            for item in value.values():
                walk(item, depth)
        elif isinstance(value, list | tuple):
            for item in value:
                walk(item, depth)
        elif depth and hasattr(value, "__dict__") and not isinstance(value, type):
            walk(vars(value), depth - 1)

    for part in ("past_key_values", "cache_params", "state"):
        walk(getattr(output, part, None), 3)
    return sum(seen.values()) or None


def cached(f: Any, fields: dict[str, Any]) -> int:
    """The cache as symcount says it."""
    from symcount.storage.footprint import Request, footprint

    return footprint(f, {}, f.bound(fields), Request("bf16", length=LENGTH)).numbers["cache"]


def accelerate(model: Any) -> tuple[int, int]:
    """The weights in bf16 and training with Adam, as `accelerate estimate-memory` says them."""
    from accelerate.commands.estimate import calculate_maximum_sizes

    whole = calculate_maximum_sizes(model.float())[0]
    return whole // 2, whole * 4


def llm_analysis(name: str, config: Any) -> tuple[int, int]:
    """The weights in bf16 and the cache, as llm-analysis says them of a config."""
    from llm_analysis.analysis import LLMAnalysis
    from llm_analysis.config import ModelConfig, get_gpu_config_by_name

    read = ModelConfig(
        name, config.num_hidden_layers, config.num_attention_heads, config.hidden_size, config.vocab_size,
        getattr(config, "max_position_embeddings", None), getattr(config, "num_key_value_heads", None),
    )  # fmt: skip
    asked = LLMAnalysis(read, get_gpu_config_by_name("a100-sxm-80gb"))
    return 2 * int(asked.get_num_params_total()), int(
        read.num_layers * asked.get_memory_kv_cache_per_layer(1, LENGTH, 2)
    )


def hf_mem(config: Any) -> int:
    """The cache as hf-mem says it of a config.json."""
    from hf_mem.safetensors.kv_cache import compute_safetensors_kv_cache_size

    fields = {k: v for k, v in config.to_dict().items() if v is not None}
    return int(compute_safetensors_kv_cache_size(fields, "BF16", LENGTH))


def attempted(function: Callable[..., Any], *arguments: Any, nothing: Any = None) -> Any:
    """What a peer says; *nothing* where it cannot be asked, or fails."""
    try:
        return function(*arguments)
    except Exception as error:  # noqa: BLE001  # a peer may fail as it likes
        print(f"  {function.__name__}: {type(error).__name__}: {str(error)[:100]}")
        return nothing


def cell(said: int | None, true: int | None) -> str:
    """What is said beside what is true."""
    if said is None:
        return "–"
    if true is None:
        return f"{said:,}, though there is none"
    if said == true:
        return "exact"
    return f"{100 * (said - true) / true:+.2f} %" if abs(said - true) * 10_000 >= true else f"{said - true:+,} B"


def row(name: str) -> list[str]:
    """One model."""
    import transformers

    import symcount as sc

    config = getattr(transformers, name).config_class()
    weights, cache, model = real(name, config)
    fields = {"architectures": [name], "model_type": config.model_type}
    f = sc.formula(fields)
    own = f.bytes("bf16").count(fields)
    parts = [f.bytes("fp32", part).count(fields) for part in ("weights", "gradients", "optimizer")]
    kept = attempted(cached, f, fields) if cache is not None else None
    trained = 4 * sum(p.numel() * 4 for p in model.parameters() if p.requires_grad)
    trained += 4 * sum(1 for p in model.parameters() if p.requires_grad)  # the numbers of AdamW's steps
    trained += sum(p.numel() * 4 for p in model.parameters() if not p.requires_grad)
    analysis = attempted(llm_analysis, name, config, nothing=(None, None))
    usual = attempted(accelerate, model, nothing=(None, None))
    return [
        name.removesuffix("ForCausalLM"), f"{weights:,}", cell(own, weights), cell(usual[0], weights),
        cell(analysis[0], weights), "–" if cache is None else f"{cache:,}",
        "–" if cache is None and kept is None else cell(kept, cache), cell(attempted(hf_mem, config), cache),
        cell(analysis[1], cache), cell(sum(parts), trained), cell(usual[1], trained),
    ]  # fmt: skip


def page(rows: Sequence[Sequence[str]]) -> str:
    """The page."""
    from importlib.metadata import version

    heads = ["model, at its defaults", "weights in bf16", "symcount", "accelerate", "llm-analysis",
             f"cache of {LENGTH:,} tokens", "symcount", "hf-mem's rule", "llm-analysis", "training, fp32: symcount",
             "accelerate"]  # fmt: skip
    said = (
        "Written by `python -m benchmarks.peers`. The numbers are bytes of the real models of transformers "
        f"{version('transformers')}: the parameters as `from_pretrained(dtype=bfloat16)` loads them, and the cache "
        "that the forward pass returns. Beside them what each tool says: exact, or by how much it is off; a dash is "
        "where it says nothing. Training is that with AdamW in fp32: weights, gradients and the state of the "
        "optimizer. accelerate counts buffers as weights; llm-analysis reads six fields of a config."
    )
    lines = ["# Memory beside other tools", "", said, "", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page."""
    warnings.filterwarnings("ignore")
    rows = []
    for name in MODELS:
        print(name, flush=True)
        if cells := attempted(row, name):
            rows.append(cells)
        PAGE.write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
