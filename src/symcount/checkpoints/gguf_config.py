"""The config of a gguf file: its metadata in the words of transformers.

A gguf file carries the numbers of its model. What it does not say is read off its tensors: the vocabulary, whether the
output is tied to the input, whether there are biases.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symcount.checkpoints.header import Checkpoint, said
from symcount.errors import CheckpointError

__all__ = ["architecture", "config"]

_KEYS: Mapping[str, str] = {
    "block_count": "num_hidden_layers", "embedding_length": "hidden_size", "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads", "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim", "context_length": "max_position_embeddings",
    "expert_used_count": "num_experts_per_tok", "expert_feed_forward_length": "moe_intermediate_size",
    "expert_shared_feed_forward_length": "shared_expert_intermediate_size", "expert_count": "num_experts",
}  # fmt: skip
_GPT2 = {
    "block_count": "n_layer", "embedding_length": "n_embd", "feed_forward_length": "n_inner",
    "attention.head_count": "n_head", "context_length": "n_positions",
}  # fmt: skip
_LOCAL = {**_KEYS, "expert_count": "num_local_experts"}
_OSS = {**_LOCAL, "expert_feed_forward_length": "intermediate_size"}

#: what a file says of its architecture -> class, model type, and what its keys are called there
_MODELS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "llama": ("LlamaForCausalLM", "llama", _KEYS),
    "mixtral": ("MixtralForCausalLM", "mixtral", _LOCAL),  # files say llama, with a number of experts
    "qwen2": ("Qwen2ForCausalLM", "qwen2", _KEYS),
    "qwen2moe": ("Qwen2MoeForCausalLM", "qwen2_moe", _KEYS),
    "qwen3": ("Qwen3ForCausalLM", "qwen3", _KEYS),
    "qwen3moe": ("Qwen3MoeForCausalLM", "qwen3_moe", _KEYS),
    "gemma": ("GemmaForCausalLM", "gemma", _KEYS),
    "gemma2": ("Gemma2ForCausalLM", "gemma2", _KEYS),
    "gemma3": ("Gemma3ForCausalLM", "gemma3_text", _KEYS),
    "phi3": ("Phi3ForCausalLM", "phi3", _KEYS),
    "gpt2": ("GPT2LMHeadModel", "gpt2", _GPT2),
    "gpt-oss": ("GptOssForCausalLM", "gpt_oss", _OSS),
    "starcoder2": ("Starcoder2ForCausalLM", "starcoder2", _KEYS),
    "stablelm": ("StableLmForCausalLM", "stablelm", _KEYS),
    "olmo2": ("Olmo2ForCausalLM", "olmo2", _KEYS),
    "granite": ("GraniteForCausalLM", "granite", _KEYS),
}


def architecture(checkpoint: Checkpoint) -> str:
    """What a file says of its architecture."""
    return str(checkpoint.headers[0].metadata.get("general.architecture", ""))


def config(checkpoint: Checkpoint) -> dict[str, Any]:
    """The fields of a `config.json` that would say the same as the file's metadata.

    Raises:
        CheckpointError: an architecture whose class is not known, or a number that differs from layer to layer.
    """
    metadata = checkpoint.headers[0].metadata
    name = architecture(checkpoint)
    kind = "mixtral" if name == "llama" and metadata.get("llama.expert_count") else name
    if kind not in _MODELS:
        raise CheckpointError(
            f"{checkpoint.source}: no class is known for architecture {said(name)}; put its config.json beside it"
        )
    cls, model_type, keys = _MODELS[kind]
    fields: dict[str, Any] = {"architectures": [cls], "model_type": model_type}
    for key, field in keys.items():
        value = metadata.get(f"{name}.{key}")
        if isinstance(value, list) and value and all(v == value[0] for v in value):
            value = value[0]
        if isinstance(value, list | str):
            raise CheckpointError(
                f"{checkpoint.source}: {name}.{key} differs from layer to layer; put the model's config.json beside it"
            )
        if value is not None:
            fields[field] = value
    shapes = {t.name: t.shape for t in checkpoint.tensors}
    if words := shapes.get("token_embd.weight"):
        fields["vocab_size"] = words[0]
    fields["tie_word_embeddings"] = "output.weight" not in shapes
    if kind in ("llama", "granite", "olmo2"):
        fields["attention_bias"] = "blk.0.attn_q.bias" in shapes
    if kind == "phi3":
        fields["pad_token_id"] = 0  # by default that of its own vocabulary
    if kind == "stablelm":
        fields["use_qkv_bias"] = "blk.0.attn_q.bias" in shapes
    return fields
