"""The layouts of quantised weights: which tensors stand in the place of a matrix, in bytes.

Each with its source:

* bitsandbytes, 4 bits: two elements a byte; a maximum (fp32) for 64 elements and a table of 16 (fp32) a tensor; with
  double quantisation maxima of one byte, for 256 of those one in fp32, a table of 256 and an offset. 0.50,
  `functional.py`, `QuantState`.
* bitsandbytes, 8 bits: one byte an element, a scale (fp32) a row: `Linear8bitLt`, `SCB`.
* fp8: one byte an element, a scale for a block or a tensor: `integrations/finegrained_fp8.py` of transformers.
* GPTQ: `qweight (in·b/32, out)`, `qzeros (in/g, out·b/32)` in words of 32 bits, `scales (in/g, out)` in fp16,
  `g_idx (in)`: `QuantLinear` of AutoGPTQ and GPTQModel; of the lists of layers only (optimum).
* AWQ: `qweight (in, out·b/32)`, `qzeros (in/g, out·b/32)`, `scales (in/g, out)` in fp16: `WQLinear_GEMM` of AutoAWQ.
* MXFP4: two elements a byte and a scale of one byte for 32: `Mxfp4GptOssExperts` of transformers; biases in fp32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sympy import Expr, Integer, Max, ceiling

from symcount.config.sizes import size_of
from symcount.errors import ConfigError

__all__ = ["METHODS", "PACKED", "STACKED", "Fields", "Method", "Packed"]

PACKED: Final = "packed "
"""What the layer type of a module of quantised weights begins with: its tensors, but for the bias, are in bytes."""

Fields = Mapping[str, Any]
Packed = dict[str, tuple[Expr, ...]]  # the name of a tensor -> its shape in bytes
_WORD = 4
STACKED: Final = frozenset(("gate_up_proj", "up_proj", "down_proj"))


@dataclass(frozen=True)
class Method:
    """One method of quantisation.

    Attributes:
        name: as `quant_method` says it.
        linear: from the shape (in, out) of a matrix, and the config, to the tensors that stand in its place.
        kinds: the layer types that are replaced.
        skip: the field that names what is not.
        experts: the same for each matrix of stacked experts; `None` where they stay.
        inside: whether only modules in lists of layers are replaced.
        always: whether what is not replaced by default is not replaced where the config names some either.
    """

    name: str
    linear: Callable[[Expr, Expr, Fields], Packed] | None
    kinds: tuple[str, ...] = ("Linear",)
    skip: str = "modules_to_not_convert"
    experts: Callable[[str, tuple[Expr, ...], Fields], Packed] | None = None
    inside: bool = False
    always: bool = False


def _whole(fields: Fields, name: str, default: int) -> int:
    return size_of(fields.get(name, default), f"quantization_config: {name}")


def _bits(fields: Fields) -> int:
    name = "w_bit" if "w_bit" in fields else "bits"
    bits = _whole(fields, name, 4)
    if bits not in (2, 3, 4, 8):
        raise ConfigError(f"quantization_config: {name}: expected 2, 3, 4 or 8, got {bits}")
    return bits


def _groups(size: Expr, fields: Fields, default: int) -> Expr:
    """The number of groups of *size* rows."""
    name = "q_group_size" if "q_group_size" in fields else "group_size"
    return Integer(1) if fields.get(name) == -1 else ceiling(size / _whole(fields, name, default))


def _four_bits(size: Expr, out: Expr, fields: Fields) -> Packed:
    elements = size * out
    blocks = ceiling(elements / 64)
    found: Packed = {"weight": (ceiling(elements / 2),), "quant_map": (Integer(16 * 4),)}
    if not fields.get("bnb_4bit_use_double_quant"):
        return {**found, "absmax": (blocks, Integer(4))}
    nested = {"nested_absmax": (ceiling(blocks / 256), Integer(4)), "nested_quant_map": (Integer(256 * 4),)}
    return {**found, "absmax": (blocks,), **nested, "nested_offset": (Integer(4),)}


def _eight_bits(size: Expr, out: Expr, fields: Fields) -> Packed:  # noqa: ARG001  # there is nothing to choose
    return {"weight": (out, size), "SCB": (out, Integer(4))}


def _block(fields: Fields) -> tuple[int, int] | None:
    """Rows and columns that have one scale; `None` where a tensor has."""
    said = fields.get("weight_block_size", (128, 128))
    if said is None:
        return None
    if not isinstance(said, list | tuple) or len(said) != 2 or not all(type(n) is int and n > 0 for n in said):
        raise ConfigError(f"quantization_config: weight_block_size: expected two integers, got {said!r:.80}")
    return said[0], said[1]


def _scale(fields: Fields) -> Integer:
    """The bytes of a scale."""
    return Integer(1 if fields.get("scale_fmt") == "ue8m0" else 4)


def _fp8(size: Expr, out: Expr, fields: Fields) -> Packed:
    block = _block(fields)
    scales: tuple[Expr, ...] = (Integer(4),)
    if block is not None:
        scales = (ceiling(out / block[0]), ceiling(size / block[1]), _scale(fields))
    static = {"activation_scale": (Integer(4),)} if fields.get("activation_scheme") == "static" else {}
    return {"weight": (out, size), "weight_scale_inv": scales, **static}


def _fp8_experts(name: str, shape: tuple[Expr, ...], fields: Fields) -> Packed:
    number, out, size = shape
    four = fields.get("expert_dtype") == "fp4"
    block = (1, 32) if four else _block(fields)
    least = 2 if name == "gate_up_proj" else 1
    rows = Integer(1) if block is None else ceiling(out / block[0])
    columns = Integer(1) if block is None else ceiling(size / block[1])
    scales = (number, Max(rows, Integer(least)), columns, _scale(fields))
    static = {f"{name}_activation_scale": (number, Integer(4))} if fields.get("activation_scheme") == "static" else {}
    return {name: (number, out, size / 2 if four else size), f"{name}_scale_inv": scales, **static}


def _gptq(size: Expr, out: Expr, fields: Fields) -> Packed:
    bits, groups = _bits(fields), _groups(size, fields, 128)
    word = Integer(_WORD)
    return {
        "qweight": (ceiling(size * bits / 32), out, word),
        "qzeros": (groups, ceiling(out * bits / 32), word),
        "scales": (groups, out, Integer(2)),
        "g_idx": (size, word),
    }


def _awq(size: Expr, out: Expr, fields: Fields) -> Packed:
    bits, groups = _bits(fields), _groups(size, fields, 128)
    columns = out * bits / 32
    return {
        "qweight": (size, columns, Integer(_WORD)),
        "qzeros": (groups, columns, Integer(_WORD)),
        "scales": (groups, out, Integer(2)),
    }


def _mxfp4(name: str, shape: tuple[Expr, ...], fields: Fields) -> Packed:  # noqa: ARG001  # four bits by the method
    number, size, out = shape  # the other way round in the model
    return {f"{name}_blocks": (number, out, size / 32, Integer(16)), f"{name}_scales": (number, out, size / 32)}


_BNB: Final = ("Linear", "Conv1D")

#: by `quant_method`; bitsandbytes by its bits
METHODS: Final = {
    m.name: m
    for m in (
        Method("bitsandbytes_4bit", _four_bits, _BNB, "llm_int8_skip_modules"),
        Method("bitsandbytes_8bit", _eight_bits, _BNB, "llm_int8_skip_modules"),
        Method("fp8", _fp8, experts=_fp8_experts),
        Method("gptq", _gptq, _BNB, inside=True),
        Method("awq", _awq, always=True),
        Method("mxfp4", None, experts=_mxfp4),
    )
}
