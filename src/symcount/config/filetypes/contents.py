"""Files that are not JSON, by their first bytes, and names that are no files."""

from __future__ import annotations

import re

from symcount.config.filetypes.kinds import BESIDE

__all__ = ["of_bytes", "of_name"]

_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"GGUF", "weights in the format GGUF", f"{BESIDE}, or compare both: symcount verify FILE"),
    (b"PK\x03\x04", "a zip archive, such as weights saved by PyTorch", BESIDE),
    (b"\x80\x02", "pickled data, such as weights saved by PyTorch", BESIDE),
    (b"\x80\x03", "pickled data, such as weights saved by PyTorch", BESIDE),
    (b"\x80\x04", "pickled data, such as weights saved by PyTorch", BESIDE),
    (b"\x80\x05", "pickled data, such as weights saved by PyTorch", BESIDE),
    (b"\x89HDF", "weights in the format HDF5 (tf_model.h5)", BESIDE),
    (b"\x93NUMPY", "an array of NumPy", BESIDE),
    (b"\x1f\x8b", "a gzip archive", "unpack it, and count the config.json in it"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "fetch it: git lfs pull"),
    (b"%PDF", "a PDF document", BESIDE),
    (b"#version:", "the merges of a tokenizer (merges.txt)", BESIDE),
    (b"\n\x0e\n\x05<unk>", "a model of SentencePiece (tokenizer.model)", BESIDE),
    (b"\x08\x03\x12", "a model in the format ONNX", "count the config.json of the model that it was exported from"),
)

_TEXTS: tuple[tuple[str, str, str], ...] = (
    (r"\s*<(!doctype|html)", "an HTML page", "what was downloaded is a page about the file; download the file itself"),
    (r"\s*(\{[%#]|\{\{)", "a chat template (chat_template.jinja)", BESIDE),
    (r"---\r?\n", "a text with a head in YAML, such as a README.md", BESIDE),
    (r"#[^\n]*\n|#!|(from|import) \w|class \w", "a text or a program, not JSON", BESIDE),
    (r"[\w-]+:(\s|\Z)", "YAML", "write the config as JSON"),
    (r"\[(PAD|UNK|unused\d+)\]\r?\n|<(pad|s|unk)>\r?\n", "a vocabulary (vocab.txt)", BESIDE),
)


def of_bytes(data: bytes) -> str:
    """What a file is that is not JSON, in words; empty if it is none of the known kinds.

    >>> of_bytes(b"GGUF...")
    'these are weights in the format GGUF; count the config.json beside it, or compare both: symcount verify FILE'
    """
    for magic, name, remedy in _MAGIC:
        if data.startswith(magic):
            return f"{'these are' if name.startswith('weights') else 'this is'} {name}; {remedy}"
    if data[8:10] == b'{"' and int.from_bytes(data[:8], "little") < 2**32:
        return f"these are weights in the format safetensors; {BESIDE}, or compare both: symcount verify FILE"
    head = data[:4096]
    if head.lstrip().startswith(b"{") and b'"added_tokens"' in head:
        return f"this is a tokenizer (tokenizer.json), not the config of a transformers model; {BESIDE}"
    if b"\0" in head:
        return ""
    text = head.decode("utf-8", "replace")
    for pattern, name, remedy in _TEXTS:
        if re.match(pattern, text, re.IGNORECASE):
            return f"this is {name}; {remedy}"
    first, _, rest = data.partition(b"\n")
    if first.startswith(b"{") and first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{"):
        return "this has a config on each line; give it as a stream: --jsonl FILE"
    return ""


def of_name(name: str) -> str:
    """What a path is that is no file, in words; empty if it may only be misspelt.

    >>> of_name("meta-llama/Llama-2-7b")[:30]
    'symcount reads local files; if'
    >>> of_name("checkpoints/config.json")
    ''
    """
    if re.match(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*\Z", name, re.ASCII) and not name.endswith((".json", ".jsonl")):
        return (
            f"symcount reads local files; if a model of the Hub is meant, download it: hf download {name} config.json"
        )
    return ""
