"""The `params.json` of Llama's and Mistral's own checkpoints, as the config that transformers has for the same model.

Llama says how wide a layer is by a rule: two thirds of four times the width, times a factor, rounded up to a multiple.

>>> made = as_config({"dim": 4096, "n_layers": 32, "n_heads": 32, "n_kv_heads": 8, "vocab_size": 128256,
...                   "multiple_of": 1024, "ffn_dim_multiplier": 1.3, "norm_eps": 1e-05})
>>> made["architectures"], made["intermediate_size"]
(['LlamaForCausalLM'], 14336)
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Any, Final

from symcount.config.sizes import size_of
from symcount.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["as_config"]

_IDLE: Final = {
    "norm_eps", "rope_theta", "use_scaled_rope", "max_seq_len", "max_position_embeddings", "sliding_window",
    "max_batch_size", "rope_scaling", "model_type", "yarn", "rope_scaling_factor", "high_freq_factor",
    "low_freq_factor", "_sliding_window", "causal",
}  # fmt: skip
_SIZES: Final = {"dim", "n_layers", "n_heads", "n_kv_heads", "vocab_size"}
_LLAMA: Final = {"multiple_of", "ffn_dim_multiplier"}
_MISTRAL: Final = {"hidden_dim", "head_dim", "moe", "tie_word_embeddings", "tied_embeddings"}


def as_config(fields: Mapping[str, Any], folder: str | Path | None = None) -> dict[str, Any] | None:
    """The config of a `params.json`; `None` if *fields* are those of something else, or say more than is known here.

    Args:
        fields: what the file says.
        folder: where it lies; the size of the vocabulary may be that of the `tokenizer.model` beside it.

    Raises:
        ConfigError: it does not say what is needed.
    """
    if not {"dim", "n_layers", "n_heads"} <= fields.keys() or not fields.keys() & {"norm_eps", *_LLAMA, *_MISTRAL}:
        return None
    if {"model_type", "architectures"} & fields.keys() or "hidden_size" in fields:
        return None
    if fields.keys() - _SIZES - _LLAMA - _MISTRAL - _IDLE:  # an encoder of images, experts of Llama 4
        return None
    dim, heads = _size(fields, "dim"), _size(fields, "n_heads")
    made: dict[str, Any] = {
        "hidden_size": dim,
        "num_hidden_layers": _size(fields, "n_layers"),
        "num_attention_heads": heads,
        "num_key_value_heads": heads if fields.get("n_kv_heads") is None else _size(fields, "n_kv_heads"),
        "vocab_size": _vocabulary(fields, folder),
        "tie_word_embeddings": bool(fields.get("tie_word_embeddings", fields.get("tied_embeddings", False))),
    }
    if "hidden_dim" not in fields:
        return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", **made,
                "intermediate_size": _rounded(dim, fields)}  # fmt: skip
    made["intermediate_size"] = _size(fields, "hidden_dim")
    if "head_dim" in fields:
        made["head_dim"] = _size(fields, "head_dim")
    if fields.get("moe") is None:
        return {"architectures": ["MistralForCausalLM"], "model_type": "mistral", **made}
    experts = fields["moe"]
    if not isinstance(experts, Mapping) or experts.keys() != {"num_experts", "num_experts_per_tok"}:
        raise ConfigError(f"params.json: moe: expected num_experts and num_experts_per_tok, got {experts!r:.80}")
    return {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", **made,
            "num_local_experts": _size(experts, "num_experts"),
            "num_experts_per_tok": _size(experts, "num_experts_per_tok")}  # fmt: skip


def _size(fields: Mapping[str, Any], name: str) -> int:
    return size_of(fields.get(name), f"params.json: {name}")


def _rounded(dim: int, fields: Mapping[str, Any]) -> int:
    """The width of Llama's feed-forward layers, by the rule of its `FeedForward`."""
    width, factor = 2 * 4 * dim // 3, fields.get("ffn_dim_multiplier")
    if factor is not None:
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 < factor * width < inf:
            raise ConfigError(f"params.json: ffn_dim_multiplier: expected a finite number above 0, got {factor!r:.80}")
        width = int(factor * width)  # with floats: what the model's own code computes rules
    multiple = _size(fields, "multiple_of") if "multiple_of" in fields else 256
    return multiple * ((width + multiple - 1) // multiple)


def _vocabulary(fields: Mapping[str, Any], folder: str | Path | None) -> int:
    """The size of the vocabulary: the file's, or that of the tokenizer where the file leaves it to that."""
    if fields.get("vocab_size", -1) != -1:
        return _size(fields, "vocab_size")
    from pathlib import Path

    file = Path(folder) / "tokenizer.model" if folder is not None else None
    if file is None or not file.is_file():
        raise ConfigError("params.json: vocab_size is that of tokenizer.model, which is not beside it; write it there")
    return _pieces(file.read_bytes())


def _pieces(data: bytes) -> int:
    """The number of pieces of a model of SentencePiece: how often field 1 of its message comes.

    >>> _pieces(bytes([10, 1, 65, 10, 1, 66, 18, 0]))
    2
    """
    place = found = 0
    while place < len(data):
        key, place = _number(data, place)
        if key & 7 == 2:
            length, place = _number(data, place)
            place += length
        elif key & 7 == 0:
            _, place = _number(data, place)
        elif key & 7 in (1, 5):
            place += 8 if key & 7 == 1 else 4
        else:
            raise ConfigError("tokenizer.model: expected a model of SentencePiece; write vocab_size into params.json")
        found += key >> 3 == 1
    if place != len(data) or not found:
        raise ConfigError("tokenizer.model: expected a model of SentencePiece; write vocab_size into params.json")
    return found


def _number(data: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the place after it."""
    value = shift = 0
    while place < len(data) and shift < 64:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
    raise ConfigError("tokenizer.model: it is cut off; write vocab_size into params.json")
