"""What it costs to verify a checkpoint: 1,000 shards with 60,000 tensors, beside opening every shard with safetensors.

The shards are those of a mixture of experts with the layout of DeepSeek-V3, small in everything but the number of its
tensors, so that they have a header and next to no data. `safetensors.safe_open` reads the same headers and says the
same names and shapes; it checks nothing against a model. Each is a process from its start to its end.
"""

from __future__ import annotations

import json
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.harness import Row, processes, run, series

CONFIG = {
    "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "vocab_size": 16, "hidden_size": 8,
    "intermediate_size": 4, "moe_intermediate_size": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
    "n_shared_experts": 1, "q_lora_rank": 2, "kv_lora_rank": 2, "qk_rope_head_dim": 2, "qk_nope_head_dim": 2,
    "v_head_dim": 2, "n_group": 1, "topk_group": 1, "num_experts_per_tok": 2, "first_k_dense_replace": 3,
    "tie_word_embeddings": False,
}  # fmt: skip
THEIRS = """
import json, sys
from pathlib import Path
from safetensors import safe_open
folder = Path(sys.argv[1])
shapes = {}
for file in sorted(set(json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"].values())):
    with safe_open(folder / file, "np") as opened:
        for name in opened.keys():
            shapes[name] = opened.get_slice(name).get_shape()
print(len(shapes))
"""
# not `ru_maxrss`, which a process inherits from the one that started it
OURS = """
import re, sys
from pathlib import Path
from symcount.cli import run
code = run(["verify", sys.argv[1], "--json"])
print(code, int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def shapes(layers: int, experts: int) -> dict[str, tuple[int, ...]]:
    """The tensors as such a checkpoint has them, every expert by itself."""
    found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (16, 8)}
    attention = {
        "q_a_proj": (2, 8), "q_a_layernorm": (2,), "q_b_proj": (8, 2), "kv_a_proj_with_mqa": (4, 8),
        "kv_a_layernorm": (2,), "kv_b_proj": (8, 2), "o_proj": (8, 4),
    }  # fmt: skip
    for i in range(layers):
        layer = f"model.layers.{i}"
        found |= {f"{layer}.self_attn.{name}.weight": shape for name, shape in attention.items()}
        found |= {f"{layer}.{name}.weight": (8,) for name in ("input_layernorm", "post_attention_layernorm")}
        if i < 3:
            found |= _mlp(f"{layer}.mlp", 4)
            continue
        found |= {f"{layer}.mlp.gate.weight": (experts, 8), f"{layer}.mlp.gate.e_score_correction_bias": (experts,)}
        found |= _mlp(f"{layer}.mlp.shared_experts", 2)
        for expert in range(experts):
            found |= _mlp(f"{layer}.mlp.experts.{expert}", 2)
    return found | {"model.norm.weight": (8,), "lm_head.weight": (16, 8)}


def _mlp(path: str, inner: int) -> dict[str, tuple[int, ...]]:
    sizes = {"gate_proj": (inner, 8), "up_proj": (inner, 8), "down_proj": (8, inner)}
    return {f"{path}.{name}.weight": shape for name, shape in sizes.items()}


def write_shard(path: Path, tensors: Mapping[str, Sequence[int]]) -> int:
    """A file with the header of these tensors, and a hole where the weights would be; the bytes of the weights."""
    entries, end = {}, 0
    for name, shape in tensors.items():
        size = 2
        for dim in shape:
            size *= dim
        entries[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    header = json.dumps(entries).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + end)
    return end


def write(folder: Path, shards: int, layers: int, experts: int) -> int:
    """A checkpoint of so many shards; the number of its tensors."""
    tensors = shapes(layers, experts)
    config = {**CONFIG, "num_hidden_layers": layers, "n_routed_experts": experts}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    names = list(tensors)
    places, total = {}, 0
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        part = names[i * len(names) // shards : (i + 1) * len(names) // shards]
        total += write_shard(folder / file, {n: tensors[n] for n in part})
        places |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    return len(names)


def measured(shards: int, layers: int, experts: int, rounds: int) -> tuple[int, float, float, int]:
    """Tensors, our seconds, the others' seconds, our mebibytes."""
    with tempfile.TemporaryDirectory() as directory:
        number = write(Path(directory), shards, layers, experts)
        commands = {
            "ours": [sys.executable, "-c", OURS, directory],
            "theirs": [sys.executable, "-c", THEIRS, directory],
        }
        times, printed = processes(commands, rounds)
    answer, last = printed["ours"].splitlines()
    code, memory = map(int, last.split())
    assert code == 0
    assert json.loads(answer)["exact"]
    assert int(printed["theirs"]) == number
    return number, times["ours"], times["theirs"], memory


def rows(quick: bool) -> Iterator[Row]:
    number, ours, theirs, _ = measured(*((20, 6, 8) if quick else (1000, 61, 340)), 1 if quick else 5)
    work = f"`symcount verify` of {20 if quick else 1000:,} shards with {number:,} tensors, a process"
    yield Row("checkpoint", work, "`safetensors.safe_open` of every shard", ours, theirs)


def growth(quick: bool) -> Iterator[str]:
    """Time and memory over the number of shards and tensors."""
    sizes = ((2, 5, 4), (4, 6, 8)) if quick else ((1, 4, 4), (100, 10, 280), (1000, 61, 340), (2000, 61, 680))
    lines = []
    for shards, layers, experts in sizes:
        number, ours, theirs, memory = measured(shards, layers, experts, 1)
        lines.append((shards, number, f"{ours:.2f} s", f"{theirs:.2f} s", f"{memory} MiB"))
    heads = ("shards", "tensors", "symcount", "safe_open", "memory of symcount")
    yield series("Verifying a checkpoint, a process from its start to its end", heads, lines)


if __name__ == "__main__":
    run(rows, growth)
