"""symcount beside other estimates of memory and operations, and beside the real models.

    python -m benchmarks.peers JOURNAL [SECONDS]        a model a line, resumable; begins none after so many seconds
    python -m benchmarks.peers JOURNAL --write docs/peers.md

The peers are asked where they are installed (`pip install --no-deps accelerate llm-analysis hf-mem calflops fire
termcolor`): accelerate's `estimate-memory`, llm-analysis, the rule by which hf-mem sizes a cache, torch's
`FlopCounterMode` and calflops. EleutherAI's cookbook is a script; its formulas are below. The real thing is the model
on the meta device: its parameters in the type in which `from_pretrained` loads them, the cache that its forward pass
returns, and the elementary operations that ran.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

LENGTH = 1024

MODELS = (
    "LlamaForCausalLM", "MistralForCausalLM", "Qwen3ForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM",
    "GPT2LMHeadModel", "GPTNeoXForCausalLM", "FalconForCausalLM", "BloomForCausalLM", "Phi3ForCausalLM",
    "Olmo2ForCausalLM", "MixtralForCausalLM", "Qwen3MoeForCausalLM", "DeepseekV3ForCausalLM", "GptOssForCausalLM",
    "MambaForCausalLM", "Mamba2ForCausalLM", "Qwen3NextForCausalLM", "RecurrentGemmaForCausalLM",
    "T5ForConditionalGeneration", "BertForMaskedLM", "IBertForMaskedLM", "ViTForImageClassification",
    "ResNetForImageClassification", "CLIPModel",
)  # fmt: skip
#: Of models that go through a text token by token, or whose texts are shorter.
TOKENS = {
    "MambaForCausalLM": 64,
    "Qwen3NextForCausalLM": 64,
    "BertForMaskedLM": 512,
    "IBertForMaskedLM": 512,
    "CLIPModel": 77,
}


def measure(name: str) -> dict[str, Any]:
    """All that is said of one model."""
    import transformers

    import symcount as sc

    config = getattr(transformers, name).config_class()
    weights, cache, model = real(name, config)
    fields = {"architectures": [name], "model_type": config.model_type}
    f = sc.formula(fields)
    parts = [f.bytes("fp32", part).count(fields) for part in ("weights", "gradients", "optimizer")]
    trained = [p for p in model.parameters() if p.requires_grad]
    training = 4 * sum(p.numel() * 4 for p in trained) + 4 * len(trained)  # the numbers of AdamW's steps
    training += sum(p.numel() * 4 for p in model.parameters() if not p.requires_grad)
    usual = attempted(accelerate, model, nothing=(None, None))
    analysis = attempted(llm_analysis, name, config, nothing=(None, None, None))
    recipe = attempted(cookbook, config, nothing=(None, None, None))
    row = {
        "class": name,
        "weights": {
            "real": weights, "symcount": f.bytes("bf16").count(fields), "accelerate": usual[0],
            "llm-analysis": analysis[0], "cookbook": recipe[0],
        },
        "cache": {
            "real": cache, "symcount": attempted(cached, fields) if cache is not None else None,
            "hf-mem": attempted(hf_mem, config), "llm-analysis": analysis[1], "cookbook": recipe[1],
        },
        "training": {"real": training, "symcount": sum(parts), "accelerate": usual[1]},
    }  # fmt: skip
    del model
    return {**row, "operations": {**operations(name, config), **_of_texts(name, analysis[2], recipe[2])}}


def _of_texts(name: str, analysis: int | None, recipe: int | None) -> dict[str, Any]:
    """What is said of the operations by formulas of a number of tokens."""
    if name in ("ViTForImageClassification", "ResNetForImageClassification", "CLIPModel"):
        return {}
    return {"llm-analysis": analysis, "cookbook": recipe}


def real(name: str, config: Any) -> tuple[int, int | None, Any]:
    """Bytes of the real model's parameters in bf16, those of its cache, and the model."""
    import re

    import torch
    import transformers

    from symcount.verification.real_model import default_dtype

    cls = getattr(transformers, name)
    with default_dtype("bfloat16"), torch.device("meta"):
        model = cls(config).eval()
        plan = model._get_dtype_plan(torch.bfloat16)
    kept = re.compile("|".join(k.replace("*", ".*") for k in plan)) if plan else None
    weights = sum(
        4 * p.numel() if kept is not None and kept.search(n) else p.nbytes for n, p in model.named_parameters()
    )
    texts = {"input_ids": (1, LENGTH)}
    if name.startswith("T5"):
        texts["decoder_input_ids"] = (1, LENGTH)
    elif not name.endswith(("CausalLM", "LMHeadModel")):
        return weights, None, model
    with torch.no_grad(), torch.device("meta"), default_dtype("bfloat16"):
        given = {n: torch.zeros(shape, dtype=torch.int64) for n, shape in texts.items()}
        found = model(**given, use_cache=True)
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


def cached(fields: dict[str, Any]) -> int:
    """The cache as symcount says it."""
    import symcount as sc

    found = sc.cache(fields).bytes("bf16")
    at = {**found.defaults, "B": 1, "S": LENGTH, "S_src": LENGTH}
    return int(found.count(**{k: v for k, v in at.items() if k in found.notation}))


def operations(name: str, config: Any) -> dict[str, Any]:
    """The operations of a forward pass of one text or image: those that ran, and what symcount and two counters say."""
    import symcount as sc
    from benchmarks.forward import ran_and_counted

    tokens = min(TOKENS.get(name, LENGTH), getattr(config, "max_position_embeddings", None) or LENGTH)
    found = sc.flops(name)
    if found.pinned.get("length", tokens) != tokens:
        found = sc.flops(name, batch=1, length=tokens)
    at = {**found.defaults, "B": 1, "S": tokens, "S_src": tokens, "R": 224}
    at = {k: v for k, v in at.items() if k in found.notation}
    point = {**found.whole.base, **{e.field: at[e.letter] for e in found.notation if e.letter in at}}
    ran, counter = ran_and_counted(found.whole, point)
    said = attempted(calflops, name, tokens)
    images = "length" not in found.sizes
    return {"tokens": None if images else tokens, "real": ran, "symcount": found.count(**at),
            "FlopCounterMode": counter, "calflops": said}  # fmt: skip


def calflops(name: str, tokens: int) -> int:
    """What calflops counts of a forward pass on the meta device, in a process of its own: it leaves torch patched."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.peers", "--calflops", name, str(tokens)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return int(done.stdout.split()[-1])


def counted_by_calflops(name: str, tokens: int) -> int:
    """The same, in this process."""
    import torch
    import transformers
    from calflops import calculate_flops

    from symcount.forward.inputs import BATCH, SIDE, SOURCE, inputs
    from symcount.forward.inputs import LENGTH as TEXT

    mixture = getattr(getattr(transformers, name).config_class(), "num_experts_per_tok", None) is not None
    torch.set_default_dtype(torch.bfloat16 if mixture else torch.float32)  # experts are multiplied in this alone
    with torch.device("meta"), torch.no_grad():
        cls = getattr(transformers, name)
        config = cls.config_class()
        for field, size in ((BATCH, 1), (TEXT, tokens), (SOURCE, tokens), (SIDE, 224)):
            setattr(config, field, size)
        model = cls(config).eval()
        given = {n: value for n, value in inputs(model, config, cached=False).items() if torch.is_tensor(value)}
        said = calculate_flops(
            model=model, kwargs=given, print_results=False, print_detailed=False, output_as_string=False
        )
    return int(said[0])


def accelerate(model: Any) -> tuple[int, int]:
    """The weights in bf16 and training with Adam, as `accelerate estimate-memory` says them."""
    from accelerate.commands.estimate import calculate_maximum_sizes

    whole = calculate_maximum_sizes(model.float())[0]
    return whole // 2, whole * 4


def llm_analysis(name: str, config: Any) -> tuple[int, int, int]:
    """The weights in bf16, the cache, and the operations of a forward pass, as llm-analysis says them of a config."""
    from llm_analysis.analysis import LLMAnalysis
    from llm_analysis.config import ModelConfig, get_gpu_config_by_name

    inner = getattr(config, "intermediate_size", None)
    fitting = inner if inner is not None and inner % config.hidden_size == 0 else None  # it takes multiples alone
    read = ModelConfig(
        name, config.num_hidden_layers, config.num_attention_heads, config.hidden_size, config.vocab_size,
        getattr(config, "max_position_embeddings", None), getattr(config, "num_key_value_heads", None),
        ffn_embed_dim=fitting,
    )  # fmt: skip
    asked = LLMAnalysis(read, get_gpu_config_by_name("a100-sxm-80gb"))
    return (
        2 * int(asked.get_num_params_total()),
        int(read.num_layers * asked.get_memory_kv_cache_per_layer(1, LENGTH, 2)),
        int(asked.get_num_flops_fwd_total(1, TOKENS.get(name, LENGTH))),
    )


def cookbook(config: Any) -> tuple[int, int, int]:
    """The weights in bf16, the cache and the operations, by the formulas of the scripts of EleutherAI's cookbook.

    As its `calc_transformer_mem.py` reads a config: two embeddings, learnt positions, two linear maps of the
    feed-forward network at its own width, as many heads of keys as of queries; one tensor for both keys and values.
    `calc_transformer_flops.py` takes four times the hidden size for that width.
    """
    layers, width, words = config.num_hidden_layers, config.hidden_size, config.vocab_size
    inner = getattr(config, "intermediate_size", None) or 4 * width
    tokens = min(LENGTH, getattr(config, "max_position_embeddings", None) or LENGTH)
    embeddings = 2 * words * width + width * (getattr(config, "max_position_embeddings", None) or 2048)
    weights = embeddings + 8 * width * layers + 2 * width + 4 * layers * width**2 + 2 * layers * width * inner
    cache = 2 * width * layers * LENGTH
    per_token = layers * (2 * 3 * width**2 + 2 * width**2 + 16 * width**2 + 4 * tokens * width) + 6 * width * words
    return 2 * weights, cache, per_token * tokens


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
        print(f"  {function.__name__}: {type(error).__name__}: {str(error)[:100]}", file=sys.stderr)
        return nothing


def cell(said: Any, true: int | None) -> str:
    """What is said beside what is true."""
    if said is None:
        return "–"
    if isinstance(said, str):
        return said
    if true is None:
        return f"{said:,}, though there is none"
    if said == true:
        return "exact"
    return f"{100 * (said - true) / true:+.2f} %" if abs(said - true) * 10_000 >= true else f"{said - true:+,}"


TABLES = (
    ("weights", "Weights in bf16, in bytes", ("symcount", "accelerate", "llm-analysis", "cookbook")),
    ("cache", f"The cache of {LENGTH:,} tokens in bf16, in bytes", ("symcount", "hf-mem", "llm-analysis", "cookbook")),
    ("training", "Weights, gradients and AdamW's state in fp32, in bytes", ("symcount", "accelerate")),
    ("operations", "Operations of a forward pass",
     ("symcount", "FlopCounterMode", "calflops", "llm-analysis", "cookbook")),
)  # fmt: skip


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """The page."""
    from importlib.metadata import version

    lines = [
        "# Beside other tools",
        "",
        (
            f"`python -m benchmarks.peers`, {len(rows)} models of transformers {_release()} at their defaults: what "
            "the real model has, and beside it what each tool says: exact, or by how much it is off; a dash where it "
            "says nothing. *Weights* are the parameters as `from_pretrained(dtype=bfloat16)` loads them; *cache* is "
            "what the forward pass returns; *operations* are the matrix products and convolutions of one text, or one "
            "image, that ran below all functions of torch. accelerate counts buffers as weights; llm-analysis "
            f"{version('llm-analysis')} reads seven fields of a config, EleutherAI's cookbook five; hf-mem "
            f"{version('hf-mem')} has one rule for all caches; torch's FlopCounterMode sees no experts, calflops "
            f"{version('calflops')} neither these nor fused attention, and it counts elementwise functions."
        ),
    ]
    for key, title, tools in TABLES:
        head = ["model", *(("tokens",) if key == "operations" else ()), "the real model", *tools]
        lines += ["", f"## {title}", "", f"| {' | '.join(head)} |", "|---" + "|---:" * (len(head) - 1) + "|"]
        for row in rows:
            found = row[key]
            true = found["real"]
            if true is None and not any(found.get(t) for t in tools):
                continue
            tokens = (f"{found['tokens']:,}" if found["tokens"] else "an image",) if key == "operations" else ()
            cells = [row["class"], *tokens, "–" if true is None else f"{true:,}",
                     *(cell(found.get(t), true) for t in tools)]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
        exact = [sum(r[key].get(t) == r[key]["real"] for r in rows if r[key]["real"] is not None) for t in tools]
        of = sum(r[key]["real"] is not None for r in rows)
        lines += ["", f"Exact of {of}: {', '.join(f'{t} {n}' for t, n in zip(tools, exact, strict=True))}."]
    return "\n".join(lines) + "\n"


def _release() -> str:
    import transformers

    return str(transformers.__version__)


def main(arguments: list[str]) -> None:
    """Examine models, or write the page."""
    warnings.filterwarnings("ignore")
    if arguments[0] == "--calflops":
        print(counted_by_calflops(arguments[1], int(arguments[2])))
        return
    journal = Path(arguments[0])
    rows = [json.loads(line) for line in journal.read_text().splitlines()] if journal.is_file() else []
    if "--write" in arguments:
        rows.sort(key=lambda row: MODELS.index(row["class"]))
        Path(arguments[arguments.index("--write") + 1]).write_text(page(rows), encoding="utf-8")
        return
    limit = float(arguments[1]) if len(arguments) > 1 else float("inf")
    begun, done = time.monotonic(), {row["class"] for row in rows}
    for name in MODELS:
        if name in done or time.monotonic() - begun > limit:
            continue
        if row := attempted(measure, name):
            with journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
