"""The matrix products and convolutions of a forward pass: each call as a product of sizes, `2·m·n·k` operations.

An operation is a multiplication or an addition. What is counted is what the mathematics needs: a matrix product of
`m × k` by `k × n` takes `2·m·n·k`, a convolution twice the size of its result times the entries of its kernel that each
entry of it sees, attention two products, `2·B·A·S·S·D` each. Elementwise functions, norms, look-ups and pools count
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import prod
from typing import Any, NamedTuple

from symcount.concolic.tensors.arguments import by_name, tensors_of_product
from symcount.concolic.tensors.shape_rules import by_function
from symcount.concolic.tensors.view_rules import Dims, ShapeOf
from symcount.concolic.values import expression as ex
from symcount.concolic.values.numbers import integer
from symcount.concolic.values.path import STATE, Iteration, Loop
from symcount.errors import DerivationError

__all__ = ["SCORES", "Operation", "Operations"]

#: The name of the product of queries and keys, where attention is one function.
SCORES = "scores"


class Operation(NamedTuple):
    """A product of matrices, or several of one shape.

    Attributes:
        path: of the module that runs.
        name: what it is.
        sizes: two, and the sizes whose product is the number of multiplications.
        gradients: of how many of the two operands a gradient is needed: as many products of that size backward.
        causal: whether half of it is masked, entry by entry.
        iterations: of the loops of the forward pass in which it is.
    """

    path: str
    name: str
    sizes: Dims
    gradients: int
    causal: bool = False
    iterations: tuple[Iteration, ...] = ()


#: Name, sizes, operands, and whether it is causal: `None` where there is a mask of which the module knows that.
Found = Iterator[tuple[str, Dims, Sequence[Any], bool | None]]
Rule = Callable[[ShapeOf, Sequence[Any], dict[str, Any], Any], Found]


@dataclass
class Operations:
    """An observer that notes all operations.

    Attributes:
        shape_of: of a tensor, with expressions where they are known.
        outer: in how many iterations of loops the code is when the forward pass begins.
        causal_at: whether the attention of the module at a path is causal, as it says itself.
    """

    shape_of: ShapeOf
    outer: int = 0
    causal_at: Callable[[str], bool] = bool
    found: list[Operation] = field(default_factory=list)

    def __call__(self, path: str, func: Any, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> None:
        """Note what a call does.

        Raises:
            DerivationError: it is a product whose size no rule says.
        """
        rule = _rules().get(func)
        if rule is None:
            name = getattr(func, "__name__", "")
            if name in _UNKNOWN:
                raise DerivationError(f"the operations of {name} in {path or 'the model'} are not known")
            return
        here = STATE.recorder.here()[self.outer :] if STATE.recorder is not None else ()
        for name, sizes, operands, causal in rule(self.shape_of, args, kwargs, result):
            if 0 in [size for size in sizes if type(size) is int]:
                continue  # an expert that no token is routed to
            needed = sum(bool(getattr(t, "requires_grad", False)) for t in operands)
            half = self.causal_at(path) if causal is None else causal
            self.found.append(Operation(path, name, (2, *sizes), needed, half, here))

    def collected(self) -> Iterator[tuple[str, str, Operation]]:
        """Path, a name that no other has there, and the operation; those of a loop's iterations together."""
        groups: dict[tuple[Any, ...], list[Operation]] = {}
        for one in self.found:
            nodes = tuple(getattr(size, "node", int(size)) for size in one.sizes)
            loops = tuple(loop for loop, _ in one.iterations)
            groups.setdefault((one.path, one.name, nodes, one.gradients, one.causal, loops), []).append(one)
        taken: dict[tuple[str, str], int] = {}
        for (path, name, *_, loops), members in groups.items():
            first = members[0]
            times = [_length(loop, len({m.iterations[i][1] for m in members})) for i, loop in enumerate(loops)]
            rounds, rest = divmod(len(members), prod(map(int, times)))
            together = []
            if loops and not rest:  # the loops are gone through so often
                sizes = (first.sizes[0], *times, *first.sizes[1:])
                together = [first._replace(sizes=sizes)] * rounds
            for one in together or members:
                number = taken[path, name] = taken.get((path, name), 0) + 1
                yield path, name if number == 1 else f"{name}_{number}", one


def _length(loop: Loop, number: int) -> int:
    """The *number* of iterations of a loop, with its expression."""
    first, last, step = loop.bounds
    span = ex.sub(last, first)
    return integer(number, span if step is ex.const(1) else ex.ceil(ex.div(span, step)))


#: Products whose sizes no rule says.
_UNKNOWN = {
    "tensordot", "inner", "kron", "bilinear", "addbmm", "addbmm_", "chain_matmul", "multi_dot", "linalg_multi_dot",
    "cdist", "vdot", "_grouped_mm", "grouped_mm", "_scaled_mm", "scaled_mm", "_scaled_grouped_mm", "flash_attn_func",
}  # fmt: skip


def _linear(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Found:
    named = by_name("input weight bias", args, kwargs)
    given, weight = shape_of(named["input"]), shape_of(named["weight"])
    yield "linear", (*given, weight[0]), (named["input"], named["weight"]), False


def _matmul(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Found:
    """``matmul``, ``bmm``, ``mm``, ``mv``, ``dot``."""
    first, second = tensors_of_product(args, kwargs)[:2]
    a = shape_of(first)
    yield "matmul", (*shape_of(result), a[-1]), (first, second), False


def _addmm(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Found:
    """``addmm``, ``baddbmm`` and ``addmv``: what the product is added to comes first."""
    yield from _matmul(shape_of, tensors_of_product(args, kwargs)[1:], {}, result)


def _reflected(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Found:
    yield from _matmul(shape_of, args[1::-1], kwargs, result)


def _convolution(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Found:
    named = by_name("input weight bias stride padding dilation groups", args, kwargs)
    weight = shape_of(named["weight"])
    yield "convolution", (*shape_of(result), *weight[1:]), (named["input"], named["weight"]), False


def _transposed(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Found:
    named = by_name("input weight", args, kwargs)
    weight = shape_of(named["weight"])
    yield "convolution", (*shape_of(named["input"]), *weight[1:]), (named["input"], named["weight"]), False


def _attention(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Found:
    named = by_name("query key value attn_mask dropout_p is_causal", args, kwargs)
    query, key, value = (shape_of(named[n]) for n in ("query", "key", "value"))
    causal: bool | None = bool(named.get("is_causal"))
    if named.get("attn_mask") is not None and _same(query[-2], key[-2]):
        causal = None  # a window beside, or padding
    yield SCORES, (*query[:-1], key[-2], query[-1]), (named["query"], named["key"]), causal
    yield "context", (*query[:-1], key[-2], value[-1]), (named["query"], named["value"]), causal


def _same(one: int, other: int) -> bool:
    return bool(getattr(one, "node", one) == getattr(other, "node", other))


def _einsum(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Found:
    equation, *operands = args
    operands = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    if len(operands) == 1:
        return
    inputs = equation.replace(" ", "").partition("->")[0].split(",")
    if len(operands) > 2:
        raise DerivationError(f"einsum of {len(operands)} tensors: {equation}")
    sizes: dict[str, int] = {}
    for part, tensor in zip(inputs, operands, strict=True):
        shape = shape_of(tensor)
        if "..." in part:
            front, _, back = part.partition("...")
            middle = shape[len(front) : len(shape) - len(back)]
            letters = [*front, *(f".{i - len(middle)}" for i in range(len(middle))), *back]
        else:
            letters = list(part)
        for letter, size in zip(letters, shape, strict=True):
            if int(sizes.get(letter, 1)) == 1:
                sizes[letter] = size
    contracted = set(inputs[0]) & set(inputs[1]) - set(equation.replace(" ", "").partition("->")[2]) - {"."}
    if any(int(sizes[letter]) > 1 for letter in contracted):
        yield "einsum", tuple(sizes.values()), operands, False


def _recurrent(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Found:
    """``lstm`` and ``gru``: in every step the input and the state are multiplied, by matrices that have all gates."""
    given, weights = args[0], args[2]
    if not hasattr(given, "new_empty") or not isinstance(weights, list | tuple):
        raise DerivationError("a recurrent layer of packed sequences")
    *steps, _ = shape_of(given)
    for weight in weights:
        if weight.ndim == 2:
            yield "recurrent", (*steps, *shape_of(weight)), (given, weight), False


def _multi_head(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Found:
    """``multi_head_attention_forward``, which does all that `torch.nn.MultiheadAttention` does."""
    names = (
        "query key value embed_dim_to_check num_heads in_proj_weight in_proj_bias bias_k bias_v add_zero_attn dropout_p"
    )
    named = by_name(names + " out_proj_weight", args, kwargs)
    query, key, value = (named[n] for n in ("query", "key", "value"))
    width, heads, weight = named["embed_dim_to_check"], named["num_heads"], named["in_proj_weight"]
    if named.get("use_separate_proj_weight") or named.get("bias_k") is not None:
        raise DerivationError("multi_head_attention_forward with projections of several sizes")
    for tensor in (query, key, value):
        yield "linear", (*shape_of(tensor), width), (tensor, weight), False
    inner = (*shape_of(query)[1:2], heads, shape_of(query)[0], shape_of(key)[0], width // heads)
    yield SCORES, inner, (weight, weight), False
    yield "context", inner, (weight, weight), False
    yield "linear", (*shape_of(query), width), (weight, named["out_proj_weight"]), False


@cache
def _rules() -> dict[Any, Rule]:
    import torch
    from torch.nn import functional

    table: dict[Any, Rule] = {
        functional.linear: _linear,
        functional.scaled_dot_product_attention: _attention,
        functional.multi_head_attention_forward: _multi_head,
        torch.einsum: _einsum,
        torch.linalg.matmul: _matmul,
        torch.lstm: _recurrent, torch.gru: _recurrent, torch.rnn_tanh: _recurrent, torch.rnn_relu: _recurrent,
    }  # fmt: skip
    named = {**dict.fromkeys(("matmul", "bmm", "mm", "mv", "dot", "__matmul__"), _matmul), "__rmatmul__": _reflected,
             **dict.fromkeys(("addmm", "baddbmm", "addmv", "addmm_", "baddbmm_", "addmv_"), _addmm)}  # fmt: skip
    table |= by_function(named)
    for name in ("conv1d", "conv2d", "conv3d"):
        table[getattr(functional, name)] = table[getattr(torch, name)] = _convolution
    for name in ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"):
        table[getattr(functional, name)] = table[getattr(torch, name)] = _transposed
    return table
