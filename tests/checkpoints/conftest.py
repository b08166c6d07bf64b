"""Files of weights as the real packages write them, at small sizes, and headers without weights."""

import json
import struct
from math import prod
from pathlib import Path

import pytest

SMALL = {
    "vocab_size": 97, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2,
}  # fmt: skip


def saved(folder, name, config, **options):
    """A folder as `save_pretrained` makes it."""
    import transformers

    cls = getattr(transformers, name)
    model = cls(cls.config_class(**config))
    model.save_pretrained(folder, **options)
    return model


@pytest.fixture(scope="session")
def llama(tmp_path_factory):
    """An untied Llama, with its model."""
    folder = tmp_path_factory.mktemp("llama")
    return folder, saved(folder, "LlamaForCausalLM", SMALL)


def header_of(path):
    """The entries of a safetensors header, and its weights."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def file_of(entries, weights=b""):
    """A safetensors file of these entries."""
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + weights


def hollow(path, shapes, dtype="F32"):
    """A file with the header of these tensors, and a hole where the weights would be."""
    entries, end = {}, 0
    for name, said in shapes.items():
        kind, shape = said if said and isinstance(said[0], str) else (dtype, said)
        count = prod(shape) * WIDTHS[kind]
        entries[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [end, end + count]}
        end += count
    head = file_of(entries)
    with Path(path).open("wb") as file:
        file.write(head)
        file.truncate(len(head) + end)


WIDTHS = {"F32": 4, "F16": 2, "BF16": 2, "I32": 4, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E8M0": 1, "I64": 8}


def shapes_of(model):
    """Name -> shape of what `save_pretrained` would write of a model, before it renames anything."""
    tied = set(getattr(model, "all_tied_weights_keys", None) or {})
    return {name: tuple(p.shape) for name, p in model.state_dict().items() if name not in tied}
