"""Configs that published checkpoints have besides their class's defaults: sub-config classes, and sets of options.

They are where a class is measured once more, not what is counted there: everything else varies around them. Options
that are several steps away from the defaults together (as those of DeBERTa) would not be met by varying one or two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["LETTERS", "WORDS", "choices_of"]

Choice = Mapping[str, Any]

#: Key -> strings that it has in published checkpoints, though no code compares it with them.
WORDS: Final[Mapping[str, tuple[str, ...]]] = {"position_embedding_type": ("nope",)}
#: Key -> a text that it has in published checkpoints, with a letter for each layer, over and over.
LETTERS: Final[Mapping[str, str]] = {"sliding_window_pattern": "LLLG"}


def _kinds(**kinds: str) -> Choice:
    """Sub-configs of these model types."""
    return {path: {"model_type": kind} for path, kind in kinds.items()}


def _backbone(kind: str, *stages: int) -> Choice:
    return {"backbone_config": {"model_type": kind, "out_features": [f"stage{i}" for i in stages]}}


_DEBERTA: Final = {
    "relative_attention": True, "pos_att_type": "p2c|c2p", "position_biased_input": False, "max_relative_positions": -1,
    "type_vocab_size": 0,
}  # fmt: skip
_SERIES: Final = {"num_static_categorical_features": 1, "cardinality": [366], "embedding_dimension": [2]}
_MONTHLY: Final = {**_SERIES, "lags_sequence": [1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 23, 24, 25, 35, 36, 37]}

_CONVNEXT: Final = {
    "backbone_config": {"model_type": "convnext", "out_features": ["stage1", "stage2", "stage3", "stage4"],
                        "hidden_sizes": [96, 192, 384, 768], "depths": [3, 3, 9, 3]},
}  # fmt: skip
_RESNET_18: Final = {
    "backbone_config": {"model_type": "rt_detr_resnet", "out_features": ["stage2", "stage3", "stage4"],
                        "layer_type": "basic", "hidden_sizes": [64, 128, 256, 512], "depths": [2, 2, 2, 2]},
    "encoder_in_channels": [128, 256, 512], "hidden_expansion": 0.5,
}  # fmt: skip
_TROCR: Final = {"model_type": "trocr", "cross_attention_hidden_size": 768}

_CHOICES: Final[Mapping[str, tuple[Choice, ...]]] = {
    "autoformer": (_SERIES, _MONTHLY),
    "aya_vision": ({"alignment_intermediate_size": 28672},),
    "bark": ({f"{part}_config": {"bias": False} for part in ("semantic", "coarse_acoustics", "fine_acoustics")},),
    "blip-2": (_kinds(text_config="t5"),),
    **dict.fromkeys(("conditional_detr", "detr", "table-transformer"), (_backbone("resnet", 4),)),
    "deberta": (_DEBERTA,),
    "deberta-v2": (
        {**_DEBERTA, "norm_rel_ebd": "layer_norm", "share_att_key": True, "position_buckets": 256},
    ),
    "d_fine": (
        {"decoder_n_points": [3, 6, 3]},
        {"decoder_n_points": [3, 6, 3], "depth_mult": 0.34, "hidden_expansion": 0.5, **_backbone("hgnet_v2", 2, 3, 4)},
    ),
    "deformable_detr": (
        _backbone("resnet", 2, 3, 4),
        {**_backbone("resnet", 2, 3, 4), "with_box_refine": True, "two_stage": True},
    ),
    "dpt": (
        {"is_hybrid": True, "neck_ignore_stages": [0, 1],
         "backbone_config": {"model_type": "bit", "out_features": ["stage1", "stage2", "stage3"], "depths": [3, 4, 9]}},
    ),
    "efficientnet": tuple(
        {"width_coefficient": width, "depth_coefficient": depth}  # b1 to b7: rounding takes other branches
        for width, depth in ((1.0, 1.1), (1.1, 1.2), (1.2, 1.4), (1.4, 1.8), (1.6, 2.2), (1.8, 2.6), (2.0, 3.1))
    ),
    "encoder-decoder": (_kinds(encoder="roberta", decoder="roberta"), _kinds(encoder="bert", decoder="gpt2")),
    "informer": (_SERIES, _MONTHLY),
    "gemma4": ({"text_config": {"hidden_size_per_layer_input": 0}},),  # all but the smallest
    "gemma4_text": ({"hidden_size_per_layer_input": 0},),
    "falcon_h1": ({"head_dim": 64},),
    **dict.fromkeys(("grounding-dino", "mm-grounding-dino"), (_backbone("swin", 2, 3, 4),)),
    "instructblip": (_kinds(text_config="t5"),),
    "granitemoehybrid": ({"num_local_experts": 0},),  # dense
    "idefics": ({"use_resampler": True, "qk_layer_norms": True},),
    "internvl": (
        {"vision_config": {"attention_bias": True}},
        _kinds(vision_config="internvl_vision", text_config="llama"),
    ),
    "llava": (
        _kinds(vision_config="clip_vision_model", text_config="mistral"),
        _kinds(vision_config="siglip_vision_model", text_config="llama"),
        _kinds(vision_config="siglip_vision_model", text_config="qwen2"),
        _kinds(vision_config="pixtral", text_config="mistral"),
    ),
    "llava_next": (
        _kinds(vision_config="clip_vision_model", text_config="mistral"),
        _kinds(vision_config="clip_vision_model", text_config="qwen2"),
        {"vision_feature_layer": [-24, -20, -12, -1],
         **_kinds(vision_config="siglip_vision_model", text_config="granite")},
    ),
    "mask2former": (_kinds(backbone_config="swin"),),
    "mobilenet_v2": ({"depth_multiplier": 0.35},),
    "paligemma": (_kinds(vision_config="siglip_vision_model", text_config="gemma2"),),
    "patchtst": ({"patch_length": 12, "patch_stride": 12, "context_length": 512},),
    **dict.fromkeys(("rt_detr", "rt_detr_v2"), (_backbone("rt_detr_resnet", 2, 3, 4), _RESNET_18)),
    "speech-encoder-decoder": (
        _kinds(encoder="wav2vec2", decoder="bart"),
        _kinds(encoder="wav2vec2", decoder="mbart"),
    ),
    "time_series_transformer": (_SERIES, _MONTHLY),
    "upernet": (
        _CONVNEXT, *(_backbone(kind, 1, 2, 3, 4) for kind in ("resnet", "swin")),
    ),
    "vision-encoder-decoder": (
        _kinds(encoder="vit", decoder="gpt2"),
        _kinds(encoder="vit", decoder="trocr"),
        *({"encoder": {"model_type": kind}, "decoder": _TROCR} for kind in ("vit", "deit", "beit")),
        _kinds(encoder="donut-swin", decoder="mbart"),
    ),
    "vision-text-dual-encoder": (
        _kinds(vision_config="clip_vision_model", text_config="bert"),
        _kinds(vision_config="clip_vision_model", text_config="roberta"),
    ),
    "vitmatte": (
        {"convstream_hidden_sizes": [48, 96, 192], "fusion_hidden_sizes": [256, 128, 64, 32],
         "backbone_config": {"model_type": "vitdet", "out_features": ["stage12"], "window_size": 14,
                             "use_relative_position_embeddings": True, "residual_block_indices": [2, 5, 8, 11],
                             "window_block_indices": [0, 1, 3, 4, 6, 7, 9, 10]}},
    ),
    "vitpose": (_backbone("vitpose_backbone", 12),),
    "zoedepth": (
        {"backbone_config": {"model_type": "beit", "num_hidden_layers": 24, "use_relative_position_bias": True,
                             "out_features": ["stage6", "stage12", "stage18", "stage24"]},
         "bin_configurations": [{"max_depth": 10.0, "min_depth": 0.001, "n_bins": 64, "name": "nyu"}]},
    ),
}  # fmt: skip


def choices_of(model_type: str) -> tuple[Choice, ...]:
    """The configs of a model type beside the default, with only the keys that are not as by default.

    >>> choices_of("blip-2")
    ({'text_config': {'model_type': 't5'}},)
    """
    return _CHOICES.get(model_type, ())
