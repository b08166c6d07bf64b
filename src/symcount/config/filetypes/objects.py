"""What a JSON value is that names no model, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symcount.config.filetypes.kinds import BESIDE, KINDS
from symcount.config.filetypes.rules import Fields
from symcount.errors import ConfigError, FileTypeError

__all__ = ["NAMELESS", "check_typed", "nameless", "of_json"]

_SIZES = (
    "hidden_size",
    "dim",
    "n_layers",
    "num_hidden_layers",
    "num_attention_heads",
    "vocab_size",
    "n_embd",
    "n_layer",
    "n_head",
    "d_model",
)

_TYPED = tuple(kind for kind in KINDS if kind.may_say_type)

NAMELESS = "neither architectures nor model_type is given; add one of them"


def nameless(fields: Fields, source: str = "") -> ConfigError:
    """The error for an object that names no model: what it is, if that is known.

    >>> str(nameless({"weight_map": {}}, "a.json"))[:60]
    'a.json: this is the index of a checkpoint in several files ('
    >>> nameless({"model_type": 3})
    ConfigError('model_type: expected a name, got 3')
    """
    if said := of_json(fields):
        return FileTypeError(f"{source}: {said}" if source else said)
    stated = fields.get("model_type")
    said = NAMELESS if fields else f"this is an empty object: {NAMELESS}"
    if stated is not None and not isinstance(stated, str):
        said = f"model_type: expected a name, got {stated!r:.80}"
    elif sum(name in fields for name in _SIZES) >= 2:
        said = f'the sizes of a model, but {NAMELESS}, for example "model_type": "{_likely(fields)}"'
    return ConfigError(f"{source}: {said}" if source else said)


def check_typed(fields: Fields, source: str = "") -> None:
    """Raise if an object that says a `model_type` is of a kind of file that may say one and is no config.

    Raises:
        FileTypeError: it is.
    """
    for kind in _TYPED:
        if kind.recognises(fields):
            raise FileTypeError(f"{source}: {kind.says()}" if source else kind.says())


def of_json(value: Any) -> str:
    """What a JSON value that names no model is, in words; empty if it is none of the known kinds.

    >>> of_json({"peft_type": "LORA"})[:40]
    'this is an adapter of PEFT (adapter_conf'
    >>> of_json({"hidden_size": 768, "num_hidden_layers": 12})
    ''
    """
    if isinstance(value, list):
        return _of_list(value)
    if not isinstance(value, Mapping):
        return ""
    for kind in KINDS:
        if kind.recognises(value):
            return kind.says()
    return ""


def _of_list(value: list[Any]) -> str:
    if value and all(isinstance(item, Mapping) for item in value):
        if all("type" in item and "path" in item for item in value):
            kind = "the modules of a sentence-transformers model (modules.json)"
            return f"this is {kind}, not the config of a transformers model; {BESIDE}"
        return f"this is a list of {len(value)} objects, not one config; put each on a line of its own: --jsonl FILE"
    return ""


def _likely(fields: Fields) -> str:
    """A model type that spells its sizes in this way; only one of several that may be meant."""
    for model_type, *keys in (
        ("albert", "num_hidden_groups"),
        ("albert", "embedding_size", "inner_group_num"),
        ("electra", "embedding_size", "generator_size"),
        ("xlm", "emb_dim"),
        ("distilbert", "dim", "n_layers"),
        ("xlnet", "d_inner"),
        ("gpt2", "n_embd"),
        ("t5", "d_kv"),
        ("bart", "encoder_ffn_dim"),
        ("vit", "patch_size"),
        ("mixtral", "num_local_experts"),
        ("llama", "rms_norm_eps"),
        ("gpt_neox", "rotary_pct"),
    ):
        if all(key in fields for key in keys):
            return model_type
    return "bert"
