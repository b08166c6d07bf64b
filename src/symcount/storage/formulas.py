"""The bytes of a model as formulas: weights, gradients, what an optimizer keeps, and all of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sympy import Max

from symcount.core.ledger import Ledger
from symcount.core.tree import Block, Parameter, expr
from symcount.errors import OptionError, near
from symcount.formulas.formula import Formula
from symcount.formulas.quantities import Quantity, quantity
from symcount.storage import trees
from symcount.storage.blocks import in_blocks
from symcount.storage.dtypes import DTYPES, Dtype, dtype
from symcount.storage.optimizers import Optimizer, optimizer
from symcount.storage.packing import PACKED
from symcount.storage.precision import sizes_of
from symcount.storage.quantizers import quantized
from symcount.storage.temporaries import LOOPS, most

__all__ = ["PARTS", "Storage", "bytes_of", "bytes_with"]

PARTS: Final = ("weights", "gradients", "optimizer", "master", "step", "training")
_TRAINING: Final = ("weights", "gradients", "optimizer", "master")
_FP32: Final = DTYPES["float32"].size


@dataclass(frozen=True)
class Storage:
    """How a model is stored and trained; see `Formula.bytes`."""

    dtype: Any = "bfloat16"
    optimizer: Any = "adamw"
    master: bool = False
    kept: bool = True
    quantization: Mapping[str, Any] | None = None
    page: int = 1
    values: Mapping[str, Any] | None = None


def bytes_with(of: Formula, part: str, *storage: Any) -> Quantity:
    """The bytes of one part, with the fields of `Storage` in their order; see `Formula.bytes`."""
    return bytes_of(of, part, Storage(*storage))


def bytes_of(of: Formula, part: str, storage: Storage) -> Quantity:
    """The bytes of one part as a formula.

    Raises:
        OptionError: no such part, type, optimizer or quantisation; or a page of no bytes.
        StructureError: *of* is itself no formula of parameters.
    """
    if part not in PARTS:
        raise OptionError(f"part {part!r:.80}: expected one of {', '.join(PARTS)}.{near(str(part), list(PARTS))}")
    if of.unit != "parameters":
        raise OptionError(f"{of.name}: this is a formula of {of.unit} already; ask the formula of its parameters")
    if type(storage.page) is not int or storage.page < 1:
        raise OptionError(f"page {storage.page!r:.80}: expected a number of bytes of at least 1, such as 512")
    tree = _tree(of, part, storage, dtype(storage.dtype), optimizer(storage.optimizer))
    if storage.page > 1:
        tree = trees.rounded(tree, storage.page)
    return quantity(of, tree, "bytes", "M")


def _in_fp32(path: str, block: Block, parameter: Parameter) -> int:  # noqa: ARG001  # whatever it is
    return _FP32


def _packed(sizes: trees.Sizes) -> trees.Sizes:
    """The sizes of elements where some modules have packed tensors, which are in bytes already."""

    def size(path: str, block: Block, parameter: Parameter) -> int:
        if not block.kind.startswith(PACKED):
            return sizes(path, block, parameter)
        if "bias" not in parameter.name:
            return 1
        return _FP32 if block.kind == f"{PACKED}GptOssExperts" else sizes(path, block, parameter)

    return size


def _tree(of: Formula, part: str, storage: Storage, of_weights: Dtype, used: Optimizer) -> Block:
    if part == "training":
        made = (trees.below(_tree(of, name, storage, of_weights, used), name) for name in _TRAINING)
        return Block("", of.tree.kind, (), tuple(made))
    sizes = sizes_of(of, of_weights, kept=storage.kept)
    tree = of.tree
    if isinstance(storage.quantization, Mapping) and storage.quantization.get("quant_method") == "gguf":
        if part != "weights":
            raise OptionError(f"{part}: weights in the types of GGUF files are not trained")
        return in_blocks(tree, storage.quantization.get("type"))
    if storage.quantization is not None:
        tree, sizes = quantized(of, storage.quantization, storage.values), _packed(sizes)
    if part == "weights":
        return trees.in_bytes(tree, sizes)
    if part == "gradients":
        return trees.gradients(tree, sizes)
    if part == "master":
        return trees.gradients(tree, _in_fp32) if storage.master else Block("", of.tree.kind)
    optimised = _in_fp32 if storage.master else sizes
    if part == "optimizer":
        return trees.states(tree, optimised, used)
    return _step(of, tree, optimised, used)


def _step(of: Formula, tree: Block, optimised: trees.Sizes, used: Optimizer) -> Block:
    """What a step makes for a while: copies of all parameters, and what a loop over them has at the most."""
    extra = [trees.below(trees.gradients(tree, optimised), f"copy_{i}") for i in range(used.extra)]
    if not used.loop:
        return Block("", of.tree.kind, (), tuple(extra))
    made = most(tree, optimised, LOOPS[used.loop])
    if used.name == "muon_adamw":  # one after the other: AdamW has a copy of what Muon does not take
        rest = trees.mapped(tree, lambda _path, _block, p: (p,) if len(p.shape) != 2 else ())
        made = expr(Max(made, Ledger.of(trees.gradients(rest, optimised)).total()))
    return Block("", of.tree.kind, (Parameter("temporaries", (made,)),) if made != 0 else (), tuple(extra))
