"""gguf files, written by the gguf package from real models of transformers, and broken ones."""

import random
import struct
import time
import tracemalloc
from math import prod
from pathlib import Path

import pytest

import symcount as sc
from symcount.checkpoints import gguf as own
from symcount.checkpoints import gguf_names
from symcount.errors import CheckpointError

from .conftest import SMALL, saved
from .test_safetensors import Watched

gguf = pytest.importorskip("gguf")

SIZES = {**SMALL, "vocab_size": 96, "hidden_size": 64, "intermediate_size": 96, "max_position_embeddings": 128}
MODELS = {
    "untied": ("LlamaForCausalLM", "llama", SIZES),
    "tied": ("LlamaForCausalLM", "llama", {**SIZES, "tie_word_embeddings": True}),
    "biases": ("LlamaForCausalLM", "llama", {**SIZES, "attention_bias": True}),
    "experts": ("MixtralForCausalLM", "llama", {**SIZES, "num_local_experts": 4, "num_experts_per_tok": 2}),
    "qwen2": ("Qwen2ForCausalLM", "qwen2", {**SIZES, "tie_word_embeddings": True}),
    "qwen3": ("Qwen3ForCausalLM", "qwen3", {**SIZES, "head_dim": 32}),
    "qwen3moe": ("Qwen3MoeForCausalLM", "qwen3moe", {**SIZES, "head_dim": 32, "num_experts": 4,
                                                     "num_experts_per_tok": 2, "moe_intermediate_size": 32}),
    "gemma2": ("Gemma2ForCausalLM", "gemma2", {**SIZES, "head_dim": 32}),
    "phi3": ("Phi3ForCausalLM", "phi3", {**SIZES, "pad_token_id": 0}),
    "gpt2": ("GPT2LMHeadModel", "gpt2", {"vocab_size": 96, "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 32}),
    "starcoder2": ("Starcoder2ForCausalLM", "starcoder2", SIZES),
    "gpt-oss": ("GptOssForCausalLM", "gpt-oss", {**SIZES, "head_dim": 16, "num_local_experts": 4,
                                                 "num_experts_per_tok": 2}),
    "olmo2": ("Olmo2ForCausalLM", "olmo2", SIZES),
    "gemma": ("GemmaForCausalLM", "gemma", {**SIZES, "head_dim": 32}),
    "gemma3": ("Gemma3ForCausalLM", "gemma3", {**SIZES, "head_dim": 32}),
    "granite": ("GraniteForCausalLM", "granite", SIZES),
    "stablelm": ("StableLmForCausalLM", "stablelm", SIZES),
    "qwen2moe": ("Qwen2MoeForCausalLM", "qwen2moe", {**SIZES, "num_experts": 4, "num_experts_per_tok": 2,
                                                     "moe_intermediate_size": 32,
                                                     "shared_expert_intermediate_size": 64}),
}  # fmt: skip


def pieces(name, tensor):
    """The tensors of the file's names that a tensor of transformers is: its converter keeps the experts' two apart."""
    if name.endswith("gate_up_proj"):
        wide = tensor.shape[1] > tensor.shape[2]
        for part, half in zip(("gate_proj", "up_proj"), tensor.chunk(2, dim=1 if wide else 2), strict=True):
            yield name.replace("gate_up_proj", part), half
    elif name.endswith("gate_up_proj_bias"):
        for part, half in zip(("gate_proj", "up_proj"), tensor.chunk(2, dim=1), strict=True):
            yield name.replace("gate_up_proj_bias", f"{part}.bias"), half
    else:
        yield (f"{name.removesuffix('_bias')}.bias" if name.endswith("down_proj_bias") else name), tensor


def written(path, model, arch, config, kind="F32", change=None):
    """A gguf file of *model*; matrices are of *kind*."""
    writer = gguf.GGUFWriter(path, arch)
    number = config.get("num_hidden_layers", config.get("n_layer"))
    writer.add_block_count(number)
    for key, fields in {
        "embedding_length": ("hidden_size", "n_embd"), "feed_forward_length": ("intermediate_size", "n_inner"),
        "attention.head_count": ("num_attention_heads", "n_head"), "attention.head_count_kv": ("num_key_value_heads",),
        "context_length": ("max_position_embeddings", "n_positions"), "attention.key_length": ("head_dim",),
        "expert_used_count": ("num_experts_per_tok",), "expert_count": ("num_local_experts", "num_experts"),
        "expert_feed_forward_length": ("moe_intermediate_size",),
        "expert_shared_feed_forward_length": ("shared_expert_intermediate_size",),
    }.items():  # fmt: skip
        for field in fields:
            if field in config:
                writer.add_uint32(f"{arch}.{key}", config[field])
    if arch == "gpt-oss":
        writer.add_uint32("gpt-oss.expert_feed_forward_length", config["intermediate_size"])
    writer.add_token_list([f"t{i}" for i in range(config["vocab_size"])])
    (known,) = [a for a, n in gguf.MODEL_ARCH_NAMES.items() if n == arch]
    names = gguf.get_tensor_name_map(known, number)
    tied = set(getattr(model, "all_tied_weights_keys", None) or {})
    tensors = {}
    for name, tensor in model.state_dict().items():
        for part, piece in pieces(name, tensor) if name not in tied else ():
            found = names.get_name(part, try_suffixes=(".weight", ".bias"))
            assert found is not None, part
            end = "" if found.endswith((".weight", ".bias")) else ".weight"
            tensors[found + end] = piece.contiguous().numpy()
    if change:
        change(tensors)
    for name, data in tensors.items():
        wanted = gguf.GGMLQuantizationType[kind]
        block = gguf.GGML_QUANT_SIZES[wanted][0]
        if data.ndim > 1 and data.shape[-1] % block == 0 and kind != "F32":
            writer.add_tensor(name, gguf.quants.quantize(data, wanted), raw_dtype=wanted)
        else:
            writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["F32", "Q8_0"])
@pytest.mark.parametrize(("name", "arch", "config"), MODELS.values(), ids=list(MODELS))
def test_a_gguf_file_is_exact_without_a_config(tmp_path, name, arch, config, kind):
    model = saved(tmp_path / "model", name, config)
    path = tmp_path / "model.gguf"
    tensors = written(path, model, arch, config, kind)
    report = sc.verify(path)
    assert report.exact, [str(d) for d in report.differences]
    assert report.formula.name == name
    assert report.totals["unique"].file == report.totals["unique"].formula == model.num_parameters()
    reader = gguf.GGUFReader(path)
    assert report.size == report.totals["unique"].size == sum(int(t.n_bytes) for t in reader.tensors)
    assert sorted(s for t in report.tensors if t.stored for s in t.stored.sources) == sorted(tensors)
    if kind == "F32":
        (tmp_path / "config.json").write_text((tmp_path / "model" / "config.json").read_text())
        assert sc.verify(path).exact  # by the config beside it


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gguf")
    model = saved(folder / "model", "LlamaForCausalLM", SIZES)
    written(folder / "model.gguf", model, "llama", SIZES, "Q8_0")
    return folder / "model.gguf"


def test_what_differs_is_named(tmp_path, small):
    import numpy as np
    import transformers

    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES))

    def change(tensors):
        del tensors["blk.1.ffn_up.weight"]
        tensors["blk.2.ffn_down.weight"] = np.zeros((64, 90), dtype=np.float32)
        tensors["rope_freqs.weight"] = np.zeros(4, dtype=np.float32)
        tensors["x.weight"] = np.zeros(4, dtype=np.float32)

    written(tmp_path / "x.gguf", model, "llama", SIZES, change=change)
    report = sc.verify(tmp_path / "x.gguf")
    assert {d.name: d.status for d in report.differences} == {
        "model.layers.1.mlp.up_proj.weight": "missing",
        "model.layers.2.mlp.down_proj.weight": "shape",
        "x.weight": "beyond",
    }
    assert {t.name: t.reason for t in report.tensors if t.status == "beyond" and not t.difference} == {
        "rope_freqs.weight": "rotary table"
    }


def test_the_header_is_what_the_gguf_package_reads(small):
    header = own.read(small)
    reader = gguf.GGUFReader(small)
    assert [(t.name, list(reversed(t.shape)), t.size) for t in header] == [
        (t.name, [int(d) for d in t.shape], int(t.n_bytes)) for t in reader.tensors
    ]
    assert [t.dtype for t in header] == [t.tensor_type.name for t in reader.tensors]
    assert header.metadata["llama.block_count"] == 3
    assert header.metadata["tokenizer.ggml.tokens"] == "a list of 96"


def test_the_types_are_those_of_the_gguf_package():
    sizes = {int(k): (k.name, *v) for k, v in gguf.GGML_QUANT_SIZES.items()}
    assert {k: v for k, v in own.TYPES.items() if k in sizes} == {k: v for k, v in sizes.items() if k in own.TYPES}
    if gguf_names.table()["gguf"] == __import__("importlib.metadata").metadata.version("gguf"):
        assert sizes.keys() == own.TYPES.keys()


def test_the_table_of_names_is_that_of_the_gguf_package(tmp_path):
    gguf_names.measure(tmp_path / "gguf.bin")
    if gguf_names.table()["gguf"] == __import__("importlib.metadata").metadata.version("gguf"):
        assert (tmp_path / "gguf.bin").read_bytes() == gguf_names.default_path().read_bytes()


def test_not_a_byte_after_the_header_is_read(small, monkeypatch):
    files = []
    real = Path.open

    def opened(self, *args, **kwargs):
        assert kwargs.get("buffering") == 0
        files.append(Watched(real(self, *args, **kwargs)))
        return files[-1]

    monkeypatch.setattr(Path, "open", opened)
    header = own.read(small)
    begin = small.stat().st_size - sum(-(-t.size // 32) * 32 for t in header)
    assert begin - 32 < files[0].last <= begin


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def info(name="a", dims=(32, 2), kind=0, offset=0):
    shape = struct.pack(f"<I{len(dims)}Q", len(dims), *dims)
    return text(name) + shape + struct.pack("<IQ", kind, offset)


def head(tensors, pairs=(), version=3, counts=None):
    numbers = counts or (len(tensors), len(pairs))
    data = b"GGUF" + struct.pack("<I2Q", version, *numbers) + b"".join(pairs) + b"".join(tensors)
    return data + bytes(-len(data) % 32)


ONE = bytes(256)  # the weights of `info()`
PAIR = text("k") + struct.pack("<II", 4, 1)
BROKEN = {
    "nothing": (b"", "cut off in the first word"),
    "something else": (b"PK\x03\x04" + bytes(40), "does not begin with GGUF"),
    "version 1": (head([info()], version=1) + ONE, "version 1 of the format; versions 2 and 3"),
    "no counts": (b"GGUF\x03\0\0\0", "cut off in the number of tensors"),
    "2^63 tensors": (head([info()], counts=(2**63, 0)) + ONE, "tensors and 0 metadata do not fit"),
    "2^64 - 1 metadata": (head([info()], counts=(1, 2**64 - 1)) + ONE, "do not fit"),
    "a key of 2^63 bytes": (head([info()], [struct.pack("<Q", 2**63) + b"k" * 8]) + ONE, "cut off: a key"),
    "a key twice": (head([info()], [PAIR, PAIR]) + ONE, "the key 'k' comes twice"),
    "a key that is no text": (head([info()], [struct.pack("<Q", 1) + b"\xff" + struct.pack("<II", 4, 1)]) + ONE,
                              "not UTF-8"),
    "a type that is none": (head([info()], [text("k") + struct.pack("<II", 13, 1)]) + ONE, "type of number 13"),
    "a list of 2^62": (head([info()], [text("k") + struct.pack("<IIQ", 9, 4, 2**62)]) + ONE, "a list of .* do not fit"),
    "a list of 2^61 texts": (head([info()], [text("k") + struct.pack("<IIQ", 9, 8, 2**61)]) + ONE, "do not fit"),
    "lists in lists": (head([info()], [text("k") + struct.pack("<IIQ", 9, 9, 1) + struct.pack("<IQ", 9, 1) * 20]) + ONE,
                       "none of the format's"),
    "no dimensions": (head([info(dims=())]) + ONE, "has 0 dimensions"),
    "many dimensions": (head([info(dims=(1,) * 5)]) + ONE, "has 5 dimensions: expected 1 to 4"),
    "2^32 - 1 dimensions": (head([text("a") + struct.pack("<I", 2**32 - 1) + bytes(40)]) + ONE,
                            "4,294,967,295 dimensions"),
    "a huge shape": (head([info(dims=(2**40, 2**40))]) + ONE, "a row of F32 is a multiple"),
    "a type of tensors that is none": (head([info(kind=4)]) + ONE, "number 4, which is none"),
    "half a block": (head([info(dims=(33, 2), kind=8)]) + ONE, "a row of Q8_0 is a multiple of 32"),
    "a name twice": (head([info(), info(offset=256)]) + ONE * 2, "'a' comes twice"),
    "an overlap": (head([info(), info("b", offset=128)]) + ONE * 2, "'b' overlaps"),
    "a gap": (head([info(), info("b", offset=512)]) + ONE * 2, "'b' leaves a gap"),
    "weights cut off": (head([info()]) + ONE[:-1], "cut off: the tensors take 256 bytes, the file has 255"),
    "weights too long": (head([info()]) + ONE * 2, "longer than its header says"),
    "an alignment of 0": (head([info()], [text("general.alignment") + struct.pack("<II", 4, 0)]) + ONE,
                          "multiple of 8"),
    "a tensor less": (head([info(), info("b", offset=256)], counts=(1, 0)) + ONE * 2, "longer than its header says"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "words"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_header_is_refused_in_one_line(tmp_path, data, words):
    path = tmp_path / "x.gguf"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=words) as caught:
        own.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_what_the_broken_ones_are_made_of_is_sound(tmp_path):
    path = tmp_path / "x.gguf"
    path.write_bytes(head([info(), info("b", offset=256)], [PAIR]) + ONE * 2)
    assert [(t.name, t.shape, t.size) for t in own.read(path)] == [("a", (2, 32), 256), ("b", (2, 32), 256)]
    path.write_bytes(head([]))
    assert own.read(path).tensors == ()


@pytest.mark.parametrize("seed", range(100))
def test_a_mutated_header_is_read_or_refused_at_bounded_cost(tmp_path, small, seed):
    rng = random.Random(seed)
    data = bytearray(small.read_bytes())
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(5000)
        match rng.randrange(3):
            case 0:
                data[place] = rng.randrange(256)
            case 1:
                del data[place]
            case _:
                data[place : place + 8] = struct.pack("<Q", rng.choice([0, 1, 2**31, 2**63, 2**64 - 1]))
    path = tmp_path / "x.gguf"
    path.write_bytes(bytes(data[: rng.choice([len(data), rng.randrange(len(data))])]))
    tracemalloc.start()
    start = time.process_time()
    try:
        header = own.read(path)
    except CheckpointError as error:
        assert "\n" not in str(error)  # noqa: PT017  # it may also be read
    else:
        assert sum(t.size for t in header) <= path.stat().st_size
        assert all(prod(t.shape) >= 0 for t in header)
    assert time.process_time() - start < 1
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()
