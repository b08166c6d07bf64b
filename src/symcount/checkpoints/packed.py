"""Packed weights: which tensors of a file are together one tensor of the model, and of what shape that is.

Each layout is a row of a table: what the tensors are called that lie together, and how their shapes say the shape of
what is packed in them. Sources:

* GPTQ: AutoGPTQ, `qlinear_cuda_old.py`, `QuantLinear.pack`: `qweight (in·b/32, out)`, `qzeros (in/g, out·b/32)`.
* AWQ: AutoAWQ, `awq/modules/linear/gemm.py`, `WQLinear_GEMM`: `qweight (in, out·b/32)`, `scales (in/g, out)`.
* bitsandbytes: `functional.py`, `QuantState.as_dict(packed=True)`: two elements a byte in one column, with `absmax` and
  the rest beside it; with 8 bits `weight (out, in)` and `SCB (out)`, `Linear8bitLt._save_to_state_dict`.
* fp8: `weight_scale_inv`, one for each block (DeepSeek-V3, README_WEIGHTS.md), `weight_scale` for a row or a tensor.
* MXFP4: gpt-oss, `convert_moe_packed_tensors` of transformers: `_blocks (…, rows, in/32, 16)`, `_scales (…, in/32)`,
  of a matrix that the model has the other way round.
* compressed-tensors: `weight_packed (out, in·b/32)`; NVFP4: `(out, in/2)` with `weight_scale (out, in/16)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Final

from symcount.checkpoints.header import StoredTensor
from symcount.checkpoints.logical import LogicalTensor, plain

__all__ = ["LAYOUTS", "Layout", "bits_of", "unpack"]

Parts = Mapping[str, StoredTensor]
Found = tuple[int, ...] | range | None
"""A shape; or how many elements there may be; `None` if the parts do not go together."""


@dataclass(frozen=True)
class Layout:
    """How one kind of packed weights lies in a file.

    Attributes:
        name: the method.
        main: how the name of the tensor ends that has the weights.
        needs: how the names end of those that must lie beside it.
        may: of those that may.
        model: how the name ends that the model has instead of *main*.
        shape: from the parts, and the bits that the config says, to the shape of what is packed.
    """

    name: str
    main: str
    needs: tuple[str, ...]
    may: tuple[str, ...]
    model: str
    shape: Callable[[Parts, int | None], Found]


def _gptq(parts: Parts, bits: int | None) -> Found:
    weights, zeros, scales = (parts[n].shape for n in (".qweight", ".qzeros", ".scales"))
    if not len(weights) == len(zeros) == len(scales) == 2 or weights[1] != scales[1] or not weights[1]:
        return None
    out = weights[1]
    packed = 32 * zeros[1]
    width = bits or packed // out
    if zeros[0] != scales[0] or width < 1 or zeros[1] != -(-out * width // 32):
        return None
    rows = 32 * weights[0]
    if (order := parts.get(".g_idx")) is not None:
        return (out, order.shape[0]) if order.shape and rows == -(-order.shape[0] * width // 32) * 32 else None
    return (out, rows // width) if rows % width == 0 else None


def _awq(parts: Parts, bits: int | None) -> Found:
    weights, zeros, scales = (parts[n].shape for n in (".qweight", ".qzeros", ".scales"))
    if not len(weights) == len(zeros) == len(scales) == 2 or weights[1] != zeros[1] or zeros[0] != scales[0]:
        return None
    width, rest = divmod(32 * weights[1], scales[1] or 1)
    return (scales[1], weights[0]) if width and not rest and bits in (None, width) else None


def _nibbles(parts: Parts, bits: int | None) -> Found:  # noqa: ARG001  # four by the layout itself
    stored = parts[".weight"].size
    return range(max(0, 2 * stored - 1), 2 * stored + 1)


def _same(parts: Parts, bits: int | None) -> Found:  # noqa: ARG001  # whatever it is: nothing is packed
    return next(iter(parts.values())).shape


def _mxfp4(parts: Parts, bits: int | None) -> Found:  # noqa: ARG001  # four by the layout itself
    blocks, scales = parts["_blocks"].shape, parts["_scales"].shape
    if len(blocks) < 3 or blocks[-1] != 16 or blocks[:-1] != scales:
        return None
    return (*blocks[:-3], 32 * blocks[-2], blocks[-3])


def _integers(parts: Parts, bits: int | None) -> Found:
    words = parts[".weight_packed"].shape
    if len(words) != 2 or not bits or not words[1]:
        return None
    rows, columns = words  # the last word of a row may have room left
    return range(rows * (32 * (columns - 1) // bits + 1), rows * (32 * columns // bits) + 1)


def _nvfp4(main: str, scale: str) -> Callable[[Parts, int | None], Found]:
    def shape(parts: Parts, bits: int | None) -> Found:  # noqa: ARG001  # four by the layout itself
        pairs, scales = parts[main], parts[scale].shape
        if pairs.dtype != "U8" or len(pairs.shape) < 2 or len(scales) < 2:
            return None
        *rows, half = pairs.shape
        return (*rows, 2 * half) if scales == (*rows, -(-half // 8)) else None

    return shape


_STATE = tuple(f".weight.{n}" for n in ("quant_map", "nested_absmax", "nested_quant_map"))
_STATES = (".weight.quant_state.bitsandbytes__nf4", ".weight.quant_state.bitsandbytes__fp4")
_BESIDE = (".weight_zero_point", ".weight_g_idx", ".input_scale", ".input_global_scale", ".input_zero_point")
_EIGHT = ("_scale_inv", "_scale")

#: the first that fits counts
LAYOUTS: Final = (
    Layout("gptq", ".qweight", (".qzeros", ".scales"), (".g_idx",), ".weight", _gptq),
    Layout("awq", ".qweight", (".qzeros", ".scales"), (), ".weight", _awq),
    Layout("bitsandbytes, 4 bits", ".weight", (".weight.absmax",), (*_STATE, *_STATES), ".weight", _nibbles),
    Layout("bitsandbytes, 8 bits", ".weight", (".SCB",), (".weight_format",), ".weight", _same),
    Layout("mxfp4", "_blocks", ("_scales",), (), "", _mxfp4),
    Layout("nvfp4", ".weight", (".weight_scale", ".weight_scale_2"), _BESIDE, ".weight",
           _nvfp4(".weight", ".weight_scale")),
    Layout("nvfp4, compressed-tensors", ".weight_packed", (".weight_scale",), (*_BESIDE, ".weight_global_scale"),
           ".weight", _nvfp4(".weight_packed", ".weight_scale")),
    Layout("integers, compressed-tensors", ".weight_packed", (".weight_scale",), (*_BESIDE, ".weight_shape"), ".weight",
           _integers),
    *(Layout("eight bits with scales", ".weight", (f".weight{end}",), _BESIDE, ".weight", _same) for end in _EIGHT),
    *(Layout("experts of eight bits with scales", f".{name}", (f".{name}{end}",), (), f".{name}", _same)
      for name in ("gate_up_proj", "down_proj", "up_proj") for end in _EIGHT),
)  # fmt: skip


def unpack(tensors: Iterable[StoredTensor], bits: int | None = None) -> list[LogicalTensor]:
    """The tensors of a file with those put together that are one tensor of the model.

    >>> qweight = StoredTensor("q.qweight", (8, 32), "I32", 0, 1024)
    >>> qzeros, scales = StoredTensor("q.qzeros", (1, 4), "I32", 0, 16), StoredTensor("q.scales", (1, 32), "F16", 0, 64)
    >>> [(t.name, t.shape, t.size) for t in unpack([qweight, qzeros, scales])]
    [('q.weight', (32, 64), 1104)]

    Args:
        tensors: in any order.
        bits: of an element, as the config's `quantization_config` says.
    """
    there = {t.name: t for t in tensors}
    used: set[str] = set()
    found: list[LogicalTensor] = []
    for layout in LAYOUTS:
        last = layout.needs[-1]
        for name in [n for n in there if n.endswith(last) and n not in used]:
            base = name.removesuffix(last)
            parts = _parts(layout, base, there, used)
            if parts is None or (shape := layout.shape(parts, bits)) is None:
                continue
            found.append(_together(base + layout.model, shape, parts))
            used.update(t.name for t in parts.values())
    return [*plain(t for t in there.values() if t.name not in used), *found]


def _parts(layout: Layout, base: str, there: Mapping[str, StoredTensor], used: set[str]) -> Parts | None:
    """What lies together under *base*; `None` if something that is needed does not."""
    parts = {}
    for end in (layout.main, *layout.needs, *layout.may):
        tensor = there.get(base + end)
        if tensor is not None and tensor.name not in used:
            parts[end] = tensor
        elif end not in layout.may:
            return None
    return parts


def _together(name: str, shape: tuple[int, ...] | range, parts: Parts) -> LogicalTensor:
    main = next(iter(parts.values()))
    size, sources = sum(t.size for t in parts.values()), tuple(t.name for t in parts.values())
    if isinstance(shape, range):
        return LogicalTensor(name, None, shape[-1], shape[0], size, sources, main.dtype)
    elements = prod(shape)
    return LogicalTensor(name, shape, elements, elements, size, sources, main.dtype)


def bits_of(config: Mapping[str, Any]) -> int | None:
    """The bits of an element that a config's `quantization_config` says; `None` if it says none.

    >>> bits_of({"quantization_config": {"quant_method": "gptq", "bits": 4}})
    4
    """
    said = config.get("quantization_config")
    if not isinstance(said, Mapping):
        return None
    places = [said.get("bits"), said.get("w_bit")]
    groups = said.get("config_groups")
    for group in groups.values() if isinstance(groups, Mapping) else ():
        weights = group.get("weights") if isinstance(group, Mapping) else None
        places.append(weights.get("num_bits") if isinstance(weights, Mapping) else None)
    return next((b for b in places if type(b) is int and 0 < b <= 64), None)
