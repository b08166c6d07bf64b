"""Configs for classes whose config class has defaults that transformers itself does not build a model from.

The smallest change that makes one buildable, by config class; what only one head needs, by model class. The sweep and
the atlas have something then to examine such a class at, and so has `derive` where nobody gives a config.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["given_for"]

_ROTARY: Final = {"rope_type": "default", "rope_theta": 10000.0}
_BY_LAYER: Final = {"full_attention": _ROTARY, "sliding_attention": _ROTARY}
_EXPERTS: Final = {"num_experts": 8, "top_k_experts": 2, "moe_intermediate_size": 704}
_INDEXER: Final = {
    "indexer_n_heads": 4, "indexer_kv_heads": 1, "indexer_head_dim": 256, "indexer_budget": 512,
    "indexer_compress_ratio": 4,
}  # fmt: skip

_GIVEN: Final[Mapping[str, Mapping[str, Any]]] = {
    "AutoformerConfig": {"prediction_length": 24},
    "AyaVisionConfig": {"vision_config": {"model_type": "siglip_vision_model"}},
    "ChameleonConfig": {"vocabulary_map": {"<image>": 5}},
    "CohereCompassConfig": {"text_config": {"rope_parameters": _BY_LAYER}},
    "CohereCompassTextConfig": {"rope_parameters": _BY_LAYER},
    "DbrxConfig": {"attn_config": {"rope_theta": 10000.0}},
    "DeepseekOcr2Config": {"text_config": {"num_hidden_layers": 12, "mlp_layer_types": ["dense", *(["sparse"] * 11)]}},
    "DiffusionGemmaConfig": {"text_config": _EXPERTS},
    "DiffusionGemmaTextConfig": _EXPERTS,
    "Dots1Config": {"n_routed_experts": 8, "n_shared_experts": 1},
    "Emu3Config": {"vocabulary_map": {"<image>": 5, "<|extra_200|>": 6}},
    "EsmConfig": {"vocab_size": 33},
    "Granite4VisionConfig": {"deepstack_layer_map": [[1, 0]], "downsample_rate": "4/8"},
    "HunYuanDenseV1Config": {"head_dim": 128},
    "HunYuanMoEV1Config": {"head_dim": 128},
    "HunYuanVLConfig": {"text_config": {"head_dim": 128}},
    "HunYuanVLTextConfig": {"head_dim": 128},
    "InformerConfig": {"prediction_length": 24},
    "Lfm2MoeConfig": {"layer_types": ["conv", "full_attention"] * 16},
    "MinistralConfig": {"head_dim": 128},
    "MoonshineStreamingConfig": {"num_key_value_heads": 8},
    "NemotronConfig": {"num_key_value_heads": 48},
    "Qwen4ExpConfig": {"text_config": _INDEXER},
    "Qwen4ExpTextConfig": _INDEXER,
    "TimeSeriesTransformerConfig": {"prediction_length": 24},
}

#: What single heads need besides.
_OF_MODELS: Final[Mapping[str, Mapping[str, Any]]] = {
    "BeitForSemanticSegmentation": {"out_indices": [3, 5, 7, 11]},
    "Data2VecVisionForSemanticSegmentation": {"out_indices": [3, 5, 7, 11]},
    "ReformerModelWithLMHead": {"is_decoder": True},
    "Wav2Vec2ConformerForCTC": {"vocab_size": 32},
}


def given_for(cls: Any, configs: Any = None) -> dict[str, Any] | None:
    """The arguments with which the config of a model class can be built into a model; `None` where none are known.

    Args:
        cls: the model class.
        configs: its config class, by default the one that it names.

    >>> given_for(type("EsmModel", (), {"config_class": type("EsmConfig", (), {})}))
    {'vocab_size': 33}
    """
    found = {
        **_GIVEN.get(getattr(configs or getattr(cls, "config_class", None), "__name__", ""), {}),
        **_OF_MODELS.get(cls.__name__, {}),
    }
    return found or None
