"""What a model is given so that its forward pass can be followed: `batch` sequences of `length` tokens.

The sizes of the input travel as fields of the config, beside its own, so that they are symbols like those.
"""

from __future__ import annotations

import inspect
from typing import Any

from symcount.realmodel import attribute

__all__ = ["BATCH", "LENGTH", "SIZES", "SOURCE", "inputs"]

#: The config fields under which the sizes of the input travel, and the numbers that they have by default.
BATCH, LENGTH, SOURCE = "batch", "length", "source"
SIZES = {BATCH: 3, LENGTH: 77, SOURCE: 59}


def inputs(model: Any, config: Any, *, cached: bool = True) -> dict[str, Any]:
    """The arguments of `model.forward`."""
    import torch

    accepted = inspect.signature(model.forward).parameters
    batch, length = getattr(config, BATCH), getattr(config, LENGTH)
    given: dict[str, Any] = {}
    translates = "decoder_input_ids" in accepted and bool(attribute(config, "is_encoder_decoder", False))
    if model.main_input_name == "input_features":
        given["input_features"] = torch.zeros((batch, _mel_bins(config), _frames(model, config)))
    else:
        first = getattr(config, SOURCE) if translates else length
        given["input_ids"] = torch.zeros((batch, first), dtype=torch.long)
    if translates:
        given["decoder_input_ids"] = torch.zeros((batch, length), dtype=torch.long)
    if "lang_ids" in accepted:
        given["lang_ids"] = torch.zeros((batch,), dtype=torch.long)
    if "use_cache" in accepted or any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
        given["use_cache"] = cached
    return given


def _mel_bins(config: Any) -> int:
    return next(v for n in ("num_mel_bins", "feature_size", "num_mel_bin") if (v := attribute(config, n)) is not None)


def _frames(model: Any, config: Any) -> int:
    positions = attribute(config, "max_source_positions")
    return 2 * positions if positions is not None else 8 * getattr(config, SOURCE)
