"""Why a file has a tensor that the formula does not have: tables of names, and nothing more."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from symcount.checkpoints.loading import Loading
from symcount.verification.matching import template

__all__ = ["Explanation", "explain", "predictors"]

Explanation = tuple[str, bool]  # in words, and whether the file is the model's all the same
PREDICTION = "multi-token prediction"
QUANTISATION = "quantisation"
_PREDICTOR = re.compile(r"\.(eh_proj|enorm|hnorm|shared_head|token_layernorm|hidden_layernorm|mtp\w*)\.")
_INDEX = re.compile(r"\.(\d{1,9})(?=\.)")

#: a pattern of names, what such a tensor is, and whether it is all right that the file has it; the first match counts
_TABLE: Final = (
    (r"(^|[._])(rotary_emb|rope|rotary_pos_emb)\b|\binv_freq$|(cos|sin)_cached$", "rotary table", True),
    (r"\.base_layer\.(weight|bias)$", "of the base model, written with its adapter", True),
    (r"^rope_(freqs|factors_long|factors_short)\.weight$", "rotary table", True),
    (r"\.exp_probs_b\.bias$", "buffer", True),
    (r"(^|\.)position_ids$", "position numbers", True),
    (r"\.attn\.(masked_)?bias$|\.(attention|self_attn|crossattention)\.(masked_bias|causal_mask|bias)$",
     "attention mask", True),
    (r"\.(running_mean|running_var|num_batches_tracked)$", "statistics of a batch norm", True),
    (r"[._](weight_scale(_inv|_2)?|scale_inv|scales|weight_shape|weight_zero_point|weight_g_idx|qzeros|g_idx)$",
     QUANTISATION, True),
    (r"[._]((input|activation|k|v|weight_global|input_global)_scale|SCB|weight_format)$", QUANTISATION, True),
    (r"weight\.(absmax|quant_map|nested_absmax|nested_quant_map|quant_state\..*)$", QUANTISATION, True),
    (r"(^|\.)(mtp|mtp_layers|nextn|multi_token_prediction)(\.|_|$)|\.(eh_proj|enorm|hnorm|shared_head)\.",
     PREDICTION, True),
    (r"(^|\.)(lm_head|embed_out|classifier|pre_classifier|classification_head|score|qa_outputs|cls|pooler)(\.|$)",
     "another head", False),
    (r"(^|\.)(generator_lm_head|discriminator_predictions|predictions|head|projection_head)(\.|$)", "another head",
     False),
)  # fmt: skip
_KINDS: Final = tuple((re.compile(pattern), words, harmless) for pattern, words, harmless in _TABLE)


def explain(name: str, loading: Loading, depths: Mapping[str, int], predicting: Collection[str]) -> Explanation:
    """Why the file has *name*: in words, and whether that is all right.

    >>> explain("model.layers.0.self_attn.rotary_emb.inv_freq", Loading(), {}, ())
    ('rotary table', True)
    >>> explain("score.weight", Loading(), {}, ())
    ('another head', False)
    >>> explain("model.layers.4.mlp.up_proj.weight", Loading(), {"model.layers": 4}, ())
    ('layer 4 of a list of 4', False)

    Args:
        name: of the tensor, as the model would have it.
        loading: how the class is loaded: its buffers, and what it leaves out.
        depths: path of a list -> how many layers the model has in it.
        predicting: paths of layers that are there for multi-token prediction; see `predictors`.
    """
    if template(name) in loading.buffers:
        return "buffer", True
    layer = _layer(name, depths)
    if layer is not None and layer in predicting:
        return PREDICTION, True
    for pattern, words, harmless in _KINDS:
        if pattern.search(name):
            return words, harmless
    if any(re.search(pattern, name) for pattern in loading.ignored):
        return "left out by transformers", True
    if layer is not None:
        path, _, index = layer.rpartition(".")
        return f"layer {index} of a list of {depths[path]}", False
    return "unknown to the class", False


def predictors(names: Iterable[str], depths: Mapping[str, int]) -> set[str]:
    """The layers beyond the model's last that have what multi-token prediction has.

    >>> sorted(predictors(["model.layers.4.eh_proj.weight", "model.layers.4.mlp.up.weight"], {"model.layers": 4}))
    ['model.layers.4']
    """
    return {layer for name in names if _PREDICTOR.search(name) and (layer := _layer(name, depths)) is not None}


def _layer(name: str, depths: Mapping[str, int]) -> str | None:
    """The path of the layer beyond the model's last that *name* is in."""
    for match in _INDEX.finditer(name):
        path, index = name[: match.start()], int(match[1])
        if index >= depths.get(path, index + 1):
            return f"{path}.{index}"
    return None
