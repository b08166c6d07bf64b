"""What PyTorch functions do to symbolic shapes.

A *dim* is a plain or a symbolic integer, and a symbolic integer always carries its concrete value, so every rule below
can be checked against the tensor that PyTorch really returned: :func:`agreeing` drops whatever does not match. A
function without a rule is not an error; its result simply has no symbolic shape.

A rule receives ``(shape_of, args, kwargs, result)``, where ``shape_of(tensor)`` gives the dims of any tensor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

from symcount.concolic.tensors.spatial_rules import spatial
from symcount.concolic.tensors.view_rules import (
    Dims,
    Rule,
    ShapeOf,
    cat_rule,
    expand_rule,
    flatten_rule,
    getitem_rule,
    permute_rule,
    repeat_interleave_rule,
    repeat_rule,
    reverse_rule,
    sizes_of,
    squeeze_rule,
    stack_rule,
    swap_last_rule,
    transpose_rule,
    unsqueeze_rule,
    view_as_rule,
    view_rule,
)
from symcount.concolic.values.numbers import SymbolicInt

Named = TypeVar("Named")


def agreeing(dims: Iterable[int] | None, concrete: Sequence[int]) -> Dims | None:
    """``dims`` if their concrete values are exactly ``concrete`` and at least one is symbolic, otherwise ``None``."""
    if dims is None:
        return None
    found = tuple(dims)
    if len(found) != len(concrete) or any(int(a) != b for a, b in zip(found, concrete, strict=True)):
        return None
    return found if any(isinstance(dim, SymbolicInt) for dim in found) else None


def _sized(first: int) -> Rule:
    """Factories whose positional arguments from ``first`` on are the size: ``zeros``, ``Tensor.new_zeros``."""

    def rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
        return tuple(kwargs["size"]) if "size" in kwargs else sizes_of(args[first:])

    return rule


def _single_size(position: int) -> Rule:
    """Factories with one size argument at a fixed position: ``full``, ``randint`` (before the last), ``new_full``."""

    def rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
        size = kwargs.get("size", args[position] if len(args) > position else ())
        return sizes_of([size])

    return rule


def _normal(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``normal(0, 1, size)`` with numbers, or ``normal(mean, std)`` with tensors."""
    size = kwargs.get("size", args[2] if len(args) > 2 else None)
    return _broadcast(shape_of, args, kwargs, result) if size is None else sizes_of([size])


def _randint(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    return tuple(kwargs.get("size", args[-1] if args else ()))


def _arange(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    start: Any = kwargs.get("start", args[0] if len(args) > 1 else 0)
    end: Any = kwargs.get("end", args[1] if len(args) > 1 else args[0] if args else None)
    step: Any = kwargs.get("step", args[2] if len(args) > 2 else 1)
    if end is None:
        return None
    if step == 1:
        return (math.ceil(end - start),)
    return (math.ceil((end - start) / step),)


def _linspace(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    return (kwargs["steps"] if "steps" in kwargs else args[2],)


def _eye(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    n = kwargs.get("n", args[0] if args else None)
    m = kwargs.get("m", args[1] if len(args) > 1 else n)
    return None if n is None or m is None else (n, m)


def _same(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """One tensor in, one of the same shape out."""
    return shape_of(args[0] if args else kwargs["input"])


def _broadcast(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """Elementwise functions of several tensors.

    Of sizes that are all one here, that with an expression is the result's: elsewhere it is the larger one.
    """
    shapes = [shape_of(value) for value in (*args, *kwargs.values()) if hasattr(value, "new_empty")]
    dims: list[int] = []
    for position in range(1, result.ndim + 1):
        candidates = [shape[-position] for shape in shapes if len(shape) >= position]
        candidates.sort(key=lambda dim: (int(dim) == 1, not isinstance(dim, SymbolicInt)))
        dims.append(candidates[0] if candidates else 1)
    return tuple(reversed(dims))


def _reduce(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    shape = shape_of(args[0])
    dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
    if dim is None or isinstance(dim, bool):
        return ()
    gone = {d % len(shape) for d in (dim if isinstance(dim, list | tuple) else [dim])}
    if kwargs.get("keepdim", args[2] if len(args) > 2 else False):
        return tuple(1 if i in gone else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in gone)


def _norm_except(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    shape = shape_of(args[0])
    dim = kwargs.get("dim", args[2] if len(args) > 2 else 0)
    return () if dim == -1 else tuple(d if i == dim % len(shape) else 1 for i, d in enumerate(shape))


def _outer(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    return (*shape_of(args[0]), *shape_of(args[1]))


def _matmul(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    a, b = shape_of(args[0]), shape_of(args[1])
    return (*a[:-1], b[-1]) if len(b) == 2 and a else None


_ELEMENTWISE: Final = (
    "abs", "acos", "add", "addcmul", "asin", "atan", "atan2", "ceil", "clamp", "clamp_min", "clamp_max", "cos",
    "cosh", "div", "erf", "erfinv", "exp", "exp2", "expm1", "float_power", "floor", "floor_divide", "fmod",
    "log", "log10", "log1p", "log2", "logical_and", "logical_not", "logical_or", "lerp", "masked_fill",
    "maximum", "minimum", "mul", "multiply", "neg", "pow", "reciprocal", "relu", "remainder", "round", "rsqrt",
    "sigmoid", "sign", "sin", "sinh", "sqrt", "square", "sub", "subtract", "tan", "tanh", "true_divide",
    "where", "softplus", "eq", "ne", "lt", "le", "gt", "ge", "__add__", "__radd__", "__sub__", "__rsub__",
    "__mul__", "__rmul__", "__truediv__", "__rtruediv__", "__div__", "__rdiv__", "__pow__", "__rpow__",
    "__neg__", "__mod__", "__floordiv__", "__rfloordiv__", "__abs__", "rsub", "__eq__", "__ne__", "__lt__",
    "__le__", "__gt__", "__ge__",
)  # fmt: skip
_UNCHANGED: Final = (
    "clone", "detach", "to", "float", "double", "half", "bfloat16", "long", "int", "bool", "type", "contiguous",
    "cpu", "cuda", "requires_grad_", "cumsum", "cumprod", "flip", "roll", "tril", "triu", "softmax",
    "log_softmax", "sort", "fliplr", "flipud", "alias", "zeros_like", "ones_like", "empty_like", "full_like",
    "rand_like", "randn_like", "randint_like", "bernoulli", "nan_to_num", "type_as", "__deepcopy__", "uniform_",
    "normal_", "fill_", "zero_", "copy_", "mul_", "add_", "sub_", "div_", "clamp_", "log_", "exp_",
    "exponential_", "trunc_normal_", "detach_",
)  # fmt: skip
_NAMED: Final[dict[str, Rule]] = {
    "empty": _sized(0), "zeros": _sized(0), "ones": _sized(0), "rand": _sized(0),
    "randn": _sized(0), "empty_strided": _single_size(0), "full": _single_size(0), "randint": _randint,
    "normal": _normal, "arange": _arange, "range": _arange, "linspace": _linspace, "logspace": _linspace,
    "eye": _eye, "randperm": _sized(0), "hann_window": _sized(0),
    "hamming_window": _sized(0), "new_empty": _sized(1), "new_zeros": _sized(1), "new_ones": _sized(1),
    "new_full": _single_size(1), "view": view_rule, "reshape": view_rule, "view_as": view_as_rule,
    "reshape_as": view_as_rule, "expand_as": view_as_rule, "flatten": flatten_rule, "ravel": flatten_rule,
    "expand": expand_rule, "broadcast_to": expand_rule, "repeat": repeat_rule,
    "tile": repeat_rule, "repeat_interleave": repeat_interleave_rule, "unsqueeze": unsqueeze_rule,
    "squeeze": squeeze_rule, "transpose": transpose_rule, "swapaxes": transpose_rule,
    "t": reverse_rule, "permute": permute_rule, "cat": cat_rule, "concat": cat_rule,
    "concatenate": cat_rule, "stack": stack_rule, "__getitem__": getitem_rule, "sum": _reduce,
    "mean": _reduce, "amax": _reduce, "amin": _reduce, "norm": _reduce, "std": _reduce,
    "prod": _reduce, "norm_except_dim": _norm_except, "_weight_norm": _same, "outer": _outer, "ger": _outer,
    "matmul": _matmul, "__matmul__": _matmul, "mm": _matmul,
}  # fmt: skip
_PROPERTIES: Final[dict[str, Rule]] = {
    "data": _same, "T": reverse_rule, "mT": swap_last_rule, "real": _same, "imag": _same,
}  # fmt: skip


def by_function(named: Mapping[str, Named]) -> dict[Any, Named]:
    """What is said of torch's functions by name, for each function and method that goes by the name."""
    import torch

    table: dict[Any, Named] = {}
    for name, what in named.items():
        for owner in (torch, torch.Tensor, torch._C.TensorBase):
            function = getattr(owner, name, None)
            if function is not None and callable(function) and not isinstance(function, type):
                table[function] = what
    return table


@lru_cache(maxsize=1)
def rules() -> dict[Any, Rule]:
    """Every torch function that has a rule, as the objects that a ``TorchFunctionMode`` receives."""
    import torch

    named = dict.fromkeys(_ELEMENTWISE, _broadcast) | dict.fromkeys(_UNCHANGED, _same) | _NAMED
    table = {**spatial(), **by_function(named)}
    for name, rule in _PROPERTIES.items():
        table[getattr(torch.Tensor, name).__get__] = rule
    return table
