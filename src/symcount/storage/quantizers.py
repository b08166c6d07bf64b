"""Quantised weights: which modules a method replaces, and the bytes of what stands in their place.

A method replaces `nn.Linear` (some `Conv1D` too) and nothing else: the stacked experts of a mixture, which are
parameters of one module, stay as they are, except where a method has a module for them (fp8, MXFP4). Not replaced are
what the config names, and where it names nothing the projection onto the vocabulary, what is tied, and the last module.

Layouts, each with its source:

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

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sympy import Expr, Integer, Max, ceiling

from symcount import layerwise
from symcount.domain import divides
from symcount.errors import ConfigError, OptionError, near
from symcount.evaluate import integer_value
from symcount.formula import Formula
from symcount.ledger import Row
from symcount.storage.precision import PROMPT, table
from symcount.tree import Block, Parameter

__all__ = ["METHODS", "PACKED", "quantized"]

PACKED: Final = "packed "
"""What the layer type of a module of quantised weights begins with: its tensors, but for the bias, are in bytes."""

Fields = Mapping[str, Any]
Packed = dict[str, tuple[Expr, ...]]  # the name of a tensor -> its shape in bytes
_WORD = 4
_STACKED: Final = frozenset(("gate_up_proj", "up_proj", "down_proj"))


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
    value = fields.get(name, default)
    if type(value) is not int or value < 1:
        raise ConfigError(f"quantization_config: {name}: expected an integer of at least 1, got {value!r:.80}")
    return value


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


def _method(fields: Fields) -> Method:
    name = fields.get("quant_method")
    if name in (None, "bitsandbytes"):
        if fields.get("load_in_4bit") or fields.get("_load_in_4bit"):
            name = "bitsandbytes_4bit"
        elif fields.get("load_in_8bit") or fields.get("_load_in_8bit"):
            name = "bitsandbytes_8bit"
    found = METHODS.get(str(name))
    if found is None:
        known = list(METHODS)
        raise OptionError(
            f"quantization_config: quant_method = {name!r:.80}: those of {', '.join(known)} are known."
            f"{near(str(name), known)}"
        )
    return found


def quantized(formula: Formula, fields: Fields, values: Mapping[str, Any] | None = None) -> Block:
    """The tree of a model whose weights are quantised: what is replaced has the packed tensors, in bytes, frozen.

    Args:
        formula: of the model.
        fields: its config's `quantization_config`.
        values: by letter, where layers are named by their index; by default the formula's own.

    Raises:
        OptionError: a method that is not known, or layers that cannot be told apart.
        ConfigError: the config is malformed.
    """
    if not isinstance(fields, Mapping):
        raise ConfigError(f"quantization_config: expected an object, got {fields!r:.80}")
    if fields.get("dequantize"):
        return formula.tree
    method = _method(fields)
    return _Quantizing(formula, method, fields, formula.defaults if values is None else values).tree()


class _Quantizing:
    """Walks the tree of a model; replaces what a method replaces."""

    def __init__(self, formula: Formula, method: Method, fields: Fields, values: Mapping[str, Any]) -> None:
        self._formula, self._method, self._fields, self._values = formula, method, fields, values
        names = self._skipped()
        self._by_index = any(re.search(r"\.\d+(\.|$)", name.replace("\\", "")) for name in names)
        boundary = r"(?:(?<=\.)|(?=\.|$))"
        try:
            self._patterns = [re.compile(rf"(?:{name}){boundary}") for name in names]
        except re.error as error:
            raise ConfigError(f"quantization_config: {method.skip}: no regular expression: {error}") from None
        self._names = tuple(names)

    def tree(self) -> Block:
        return self._block(self._formula.tree, "", in_list=False)

    def _skipped(self) -> list[str]:
        """What is not replaced: what the config names, or transformers by default; what stays in fp32."""
        said = self._fields.get(self._method.skip, self._fields.get("ignored_layers"))
        if said is not None and (not isinstance(said, list) or not all(isinstance(n, str) for n in said)):
            raise ConfigError(f"quantization_config: {self._method.skip}: expected a list of names, got {said!r:.80}")
        kinds = {self._formula.name, *(b.kind for _, b in self._formula.tree.walk())}
        found = {p for kind in kinds for p in table()["soft"].get(kind, ())}
        if said is None or self._method.always:
            found |= self._left_alone()
        return sorted(found | set(said or ()))

    def _left_alone(self) -> set[str]:
        ledger = self._formula.ledger
        names = {n for row, owner in ledger.shared for n in (row.tensor, owner.tensor)}
        names |= {row.tensor for row in ledger.rows if row.role == "head"}
        found = {re.escape(n.removesuffix(".weight")).replace(r"\*", r"\d+") for n in names}
        owned = [row for row in ledger.rows if row.alias_of is None]
        return found | ({self._last(owned[-1])} if owned else set())

    def _last(self, row: Row) -> str:
        """A pattern for the last parameter of the model: of a list of layers that of its last one."""
        name = row.tensor.removesuffix(".weight")
        if "*" not in name or row.kind not in self._method.kinds:
            return re.escape(name).replace(r"\*", r"\d+")  # nothing that would be replaced
        lists = [b for p, b in self._formula.tree.walk() if p == name.partition(".*")[0]]
        kinds = [c for b in lists for c in b.children if "*" in c.name]
        if name.count("*") > 1 or len(kinds) != 1:
            raise OptionError(
                f"quantization_config: the last module of {self._formula.name}, {name}, is not replaced, and it is not "
                f"known in which layer it is; name what is not replaced: {self._method.skip}"
            )
        return re.escape(name.replace("*", str(integer_value(kinds[0].repeat, self._values) - 1)))

    def _kept(self, path: str) -> bool:
        return any(p.match(path) for p in self._patterns) or any(path.endswith(name) for name in self._names)

    def _block(self, block: Block, path: str, *, in_list: bool) -> Block:
        inside = in_list or "*" in block.name
        if path == PROMPT:
            return block
        if path and block.same_as is None and not self._kept(path) and (inside or not self._method.inside):
            packed = self._packed(block)
            if packed is not None:
                return packed
        children = layerwise.children(
            block,
            path,
            self._values,
            lambda child, inner: self._block(child, inner, in_list=inside),
            by_index=self._by_index,
            source="quantization_config",
        )
        return replace(block, children=tuple(children))

    def _packed(self, block: Block) -> Block | None:
        """What stands in a module's place; `None` if the method leaves it. What is tied stays tied to what it is."""
        method, shapes = self._method, {p.name: p.shape for p in block.parameters if p.alias_of is None}
        if method.linear is not None and block.kind in method.kinds and len(shapes.get("weight", ())) == 2:
            first, last = shapes["weight"]
            size, out = (first, last) if block.kind == "Conv1D" else (last, first)
            return self._replaced(block, {"weight": method.linear(size, out, self._fields)})
        if method.experts is not None and block.name == "experts" and shapes and not _STACKED.issuperset(
            n for n, s in shapes.items() if len(s) == 3
        ):  # fmt: skip
            raise OptionError(
                f"quantization_config: {method.name}: experts with {', '.join(shapes)} are not known to be replaced"
            )
        stacked = {n: s for n, s in shapes.items() if len(s) == 3 and n in _STACKED}
        if method.experts is None or not stacked or block.name != "experts":
            return None
        if method.linear is None and block.kind != "GptOssExperts":
            return None
        return self._replaced(block, {n: method.experts(n, s, self._fields) for n, s in stacked.items()})

    def _replaced(self, block: Block, packed: Mapping[str, Packed]) -> Block:
        kept = [replace(p, trainable=False) for p in block.parameters if p.name not in packed]
        made = [
            Parameter(name, shape, trainable=False) for tensors in packed.values() for name, shape in tensors.items()
        ]
        whole = {s for p in made for s in p.shape if s.as_numer_denom()[1] != 1 and not s.has(ceiling)}
        conditions = (divides(s.as_numer_denom()[1], s.as_numer_denom()[0]) for s in sorted(whole, key=str))
        return replace(
            block,
            kind=f"{PACKED}{block.kind}",
            parameters=(*made, *kept),
            conditions=(*block.conditions, *conditions),
        )
