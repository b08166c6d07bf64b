"""Configs for classes that are built from their defaults, and whose forward pass transformers does not run there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from symcount.derivation.given_configs import given_for

__all__ = ["running_for"]

#: The smallest change with which it runs, of the values that published models have.
_RUNNING: Final[Mapping[str, Mapping[str, Any]]] = {
    "BambaConfig": {"attn_layer_indices": [9, 18, 27]},  # its cache asks a layer of attention how long the text is
    "BlenderbotConfig": {"encoder_layers": 24},  # of the decoder's cache there are as many layers as of the encoder
    "DbrxConfig": {"attn_config": {"rope_theta": 10000.0, "clip_qkv": 8.0}},
    "DeepseekV2Config": {"num_experts_per_tok": 6, "n_group": 8, "topk_group": 3},
    "Dots1Config": {"n_routed_experts": 8, "n_shared_experts": 1, "num_experts_per_tok": 2},
    "GraniteMoeHybridConfig": {"layer_types": [*["mamba"] * 5, "attention", *["mamba"] * 9, "attention"] * 2},
}


def running_for(cls: Any) -> dict[str, Any] | None:
    """The arguments with which the config of a model class gives a model that runs; `None` where none are known.

    >>> running_for(type("DbrxModel", (), {"config_class": type("DbrxConfig", (), {})}))["attn_config"]["clip_qkv"]
    8.0
    """
    own = _RUNNING.get(getattr(getattr(cls, "config_class", None), "__name__", ""), {})
    return {**(given_for(cls) or {}), **own} or None
