"""Why a file has a tensor that the formula does not have: tables of names, and nothing more."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from symcount.checkpoints.loading import Loading
from symcount.matching import template

__all__ = ["Explanation", "explain", "predictors"]

Explanation = tuple[str, bool]  # in words, and whether the file is the model's all the same
PREDICTION = "multi-token prediction"
_PREDICTOR = re.compile(r"\.(eh_proj|enorm|hnorm|shared_head|token_layernorm|hidden_layernorm|mtp\w*)\.")
_INDEX = re.compile(r"\.(\d{1,9})(?=\.)")

#: what the end of a name, or a part of it, says of a tensor that is no parameter of the class; first match counts
_KINDS: Final[Sequence[tuple[re.Pattern[str], str, bool]]] = tuple(
    (re.compile(pattern), words, harmless)
    for pattern, words, harmless in (
        (r"(^|[._])(rotary_emb|rope|rotary_pos_emb)\b.*|\binv_freq$|(cos|sin)_cached$", "rotary table", True),
        (r"(^|\.)position_ids$", "position numbers", True),
        (r"\.attn\.(masked_)?bias$|\.(attention|self_attn|crossattention)\.(masked_bias|causal_mask)$", "attention mask",
         True),
        (r"\.attention\.bias$", "attention mask", True),
        (r"\.(running_mean|running_var|num_batches_tracked)$", "statistics of a batch norm", True),
        (r"[._](weight_scale(_inv|_2)?|input_scale|activation_scale|scale_inv|weight_shape|weight_zero_point|"
         r"weight_global_scale|input_global_scale|weight_g_idx|scales|qzeros|g_idx|SCB|weight_format|k_scale|v_scale)$",
         "quantisation", True),
        (r"weight\.(absmax|quant_map|nested_absmax|nested_quant_map|quant_state\..*)$", "quantisation", True),
        (r"(^|\.)(mtp|mtp_layers|nextn|multi_token_prediction)(\.|_|$)|\.(eh_proj|enorm|hnorm|shared_head)\.",
         PREDICTION, True),
        (r"(^|\.)(lm_head|embed_out|classifier|classification_head|score|qa_outputs|cls|pooler|pre_classifier|"
         r"generator_lm_head|discriminator_predictions|predictions|head|projection_head)(\.|$)", "another head", False),
    )
)  # fmt: skip


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
