"""What PyTorch functions do to symbolic shapes.

A *dim* is a plain or a symbolic integer, and a symbolic integer always carries its concrete value, so every rule below can be
checked against the tensor that PyTorch really returned: :func:`agreeing` drops whatever does not match. A function without
a rule is not an error; its result simply has no symbolic shape.

A rule receives ``(shape_of, args, kwargs, result)``, where ``shape_of(tensor)`` gives the dims of any tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from symcount.derive.concolic import SymbolicInt

Dims = tuple[int, ...]
ShapeOf = Callable[[Any], Dims]
Rule = Callable[[ShapeOf, Sequence[Any], dict[str, Any], Any], "Dims | None"]


def agreeing(dims: Iterable[int] | None, concrete: Sequence[int]) -> Dims | None:
    """``dims`` if their concrete values are exactly ``concrete`` and at least one is symbolic, otherwise ``None``."""
    if dims is None:
        return None
    found = tuple(dims)
    if len(found) != len(concrete) or any(int(a) != b for a, b in zip(found, concrete, strict=True)):
        return None
    return found if any(isinstance(dim, SymbolicInt) for dim in found) else None


def _size(args: Sequence[Any]) -> tuple[Any, ...]:
    """The sizes in ``f(2, 3)`` or ``f((2, 3))``."""
    if len(args) == 1 and isinstance(args[0], list | tuple):
        return tuple(args[0])
    return tuple(args)


def _sized(first: int) -> Rule:
    """Factories whose positional arguments from ``first`` on are the size: ``empty``, ``zeros``, ``Tensor.new_zeros``."""

    def rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
        return tuple(kwargs["size"]) if "size" in kwargs else _size(args[first:])

    return rule


def _single_size(position: int) -> Rule:
    """Factories with one size argument at a fixed position: ``full``, ``randint`` (before the last), ``new_full``."""

    def rule(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
        size = kwargs.get("size", args[position] if len(args) > position else ())
        return _size([size])

    return rule


def _normal(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``normal(0, 1, size)`` with numbers, or ``normal(mean, std)`` with tensors."""
    size = kwargs.get("size", args[2] if len(args) > 2 else None)
    return _broadcast(shape_of, args, kwargs, result) if size is None else _size([size])


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
    """Elementwise functions of several tensors."""
    shapes = [shape_of(value) for value in (*args, *kwargs.values()) if hasattr(value, "new_empty")]
    dims: list[int] = []
    for position in range(1, result.ndim + 1):
        candidates = [shape[-position] for shape in shapes if len(shape) >= position and int(shape[-position]) != 1]
        candidates.sort(key=lambda dim: not isinstance(dim, SymbolicInt))
        dims.append(candidates[0] if candidates else 1)
    return tuple(reversed(dims))


def _product(dims: Iterable[int]) -> int:
    return math.prod(dims)


def _view(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    size = list(_size(args[1:])) if len(args) > 1 else list(kwargs.get("shape", kwargs.get("size", ())))
    if not size or not all(isinstance(dim, int) for dim in size):
        return shape_of(args[0]) if not size else None  # view(dtype)
    return _infer(size, _product(shape_of(args[0])))


def _infer(size: list[int], total: int) -> Dims | None:
    if -1 in [int(dim) for dim in size]:
        unknown = [int(dim) for dim in size].index(-1)
        rest = _product(size[:unknown] + size[unknown + 1 :])
        if int(rest) == 0:
            return None
        size[unknown] = total // rest
    return tuple(size)


def _view_as(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    return shape_of(args[1] if len(args) > 1 else kwargs["other"])


def _flatten(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    shape = shape_of(args[0])
    start = kwargs.get("start_dim", args[1] if len(args) > 1 else 0) % max(len(shape), 1)
    end = kwargs.get("end_dim", args[2] if len(args) > 2 else -1) % max(len(shape), 1)
    return (*shape[:start], _product(shape[start : end + 1]), *shape[end + 1 :])


def _expand(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    size = _size(args[1:]) if len(args) > 1 else tuple(kwargs.get("size", kwargs.get("shape", ())))
    shape = (1,) * (len(size) - len(shape_of(args[0]))) + tuple(shape_of(args[0]))
    return tuple(old if int(new) == -1 else new for old, new in zip(shape, size, strict=True))


def _repeat(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    times = _size(args[1:]) if len(args) > 1 else tuple(kwargs.get("repeats", kwargs.get("dims", ())))
    shape = shape_of(args[0])
    width = max(len(times), len(shape))
    shape, times = (1,) * (width - len(shape)) + shape, (1,) * (width - len(times)) + times
    return tuple(dim * count for dim, count in zip(shape, times, strict=True))


def _repeat_interleave(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    times = kwargs.get("repeats", args[1] if len(args) > 1 else None)
    dim = kwargs.get("dim", args[2] if len(args) > 2 else None)
    if not isinstance(times, int):
        return None
    shape = list(shape_of(args[0]))
    if dim is None:
        return (_product(shape) * times,)
    shape[dim] = shape[dim] * times
    return tuple(shape)


def _unsqueeze(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    shape = list(shape_of(args[0]))
    dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    shape.insert(dim if dim >= 0 else dim + len(shape) + 1, 1)
    return tuple(shape)


def _squeeze(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    shape = shape_of(args[0])
    dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
    if dim is None:
        return tuple(d for d in shape if int(d) != 1)
    dims = {d % len(shape) for d in (dim if isinstance(dim, list | tuple) else [dim])}
    return tuple(d for i, d in enumerate(shape) if i not in dims or int(d) != 1)


def _transpose(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    shape = list(shape_of(args[0]))
    a = kwargs.get("dim0", args[1] if len(args) > 1 else 0)
    b = kwargs.get("dim1", args[2] if len(args) > 2 else 1)
    shape[a], shape[b] = shape[b], shape[a]
    return tuple(shape)


def _reverse(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    return tuple(reversed(shape_of(args[0])))


def _swap_last(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    shape = shape_of(args[0])
    return (*shape[:-2], shape[-1], shape[-2])


def _permute(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    order = kwargs["dims"] if "dims" in kwargs else _size(args[1:])
    shape = shape_of(args[0])
    return tuple(shape[i] for i in order)


def _cat(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    shapes = [shape_of(tensor) for tensor in (args[0] if args else kwargs["tensors"])]
    dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    shapes = [shape for shape in shapes if len(shape) == result.ndim]
    merged = list(_most_symbolic(shapes))
    merged[dim] = sum(shape[dim] for shape in shapes)
    return tuple(merged)


def _stack(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    shapes = [shape_of(tensor) for tensor in (args[0] if args else kwargs["tensors"])]
    dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    merged = list(_most_symbolic(shapes))
    merged.insert(dim if dim >= 0 else dim + len(merged) + 1, len(shapes))
    return tuple(merged)


def _most_symbolic(shapes: Sequence[Dims]) -> Dims:
    """Dim by dim, a symbolic one if any of the (equal) shapes has it."""
    columns = zip(*shapes, strict=True)
    return tuple(next((d for d in column if isinstance(d, SymbolicInt)), column[0]) for column in columns)


def _getitem(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    shape = list(shape_of(args[0]))
    index = args[1] if isinstance(args[1], tuple) else (args[1],)
    consumed = sum(1 for item in index if item is not None and item is not Ellipsis)
    dims: list[int] = []
    for item in index:
        if item is None:
            dims.append(1)
        elif item is Ellipsis:
            kept = len(shape) - consumed
            dims.extend(shape[:kept])
            shape = shape[kept:]
        elif isinstance(item, bool):
            return None
        elif isinstance(item, int):
            shape.pop(0)
            consumed -= 1
        elif isinstance(item, slice):
            dims.append(_sliced(shape.pop(0), item))
            consumed -= 1
        else:
            return None
    return (*dims, *shape)


def _sliced(dim: int, item: slice) -> int:
    """The length of a slice of a dimension, exact in the common forms ``[:]``, ``[:n]``, ``[n:]`` and ``[::2]``."""
    start, stop, step = item.start or 0, item.stop, 1 if item.step is None else item.step
    if int(start) >= 0 and (stop is None or 0 <= int(stop) <= int(dim)) and int(step) > 0:
        length = (dim if stop is None else stop) - start
        return length if int(step) == 1 else math.ceil(length / step)
    if stop is not None and int(stop) < 0 and int(step) == 1 and int(start) >= 0:
        return dim + stop - start
    return len(range(*item.indices(int(dim))))


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


_ELEMENTWISE: Final = """
    abs acos add addcmul asin atan atan2 ceil clamp clamp_min clamp_max cos cosh div erf erfinv exp exp2 expm1 float_power floor
    floor_divide fmod log log10 log1p log2 logical_and logical_not logical_or lerp masked_fill maximum minimum mul
    multiply neg pow reciprocal relu remainder round rsqrt sigmoid sign sin sinh sqrt square sub subtract tan tanh true_divide
    where softplus eq ne lt le gt ge __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __div__ __rdiv__
    __pow__ __rpow__ __neg__ __mod__ __floordiv__ __rfloordiv__ __abs__ rsub __eq__ __ne__ __lt__ __le__ __gt__ __ge__
""".split()
_UNCHANGED: Final = """
    clone detach to float double half bfloat16 long int bool type contiguous cpu cuda requires_grad_ cumsum cumprod flip roll
    tril triu softmax log_softmax sort fliplr flipud alias zeros_like ones_like empty_like full_like rand_like randn_like randint_like
    bernoulli nan_to_num type_as __deepcopy__ uniform_ normal_ fill_ zero_ copy_ mul_ add_ sub_ div_ clamp_ log_ exp_
    exponential_ trunc_normal_ detach_
""".split()
_NAMED: Final[dict[str, Rule]] = {
    "empty": _sized(0), "zeros": _sized(0), "ones": _sized(0), "rand": _sized(0), "randn": _sized(0),
    "empty_strided": _single_size(0), "full": _single_size(0), "randint": _randint, "normal": _normal,
    "arange": _arange, "range": _arange, "linspace": _linspace, "logspace": _linspace, "eye": _eye, "randperm": _sized(0),
    "hann_window": _sized(0), "hamming_window": _sized(0),
    "new_empty": _sized(1), "new_zeros": _sized(1), "new_ones": _sized(1), "new_full": _single_size(1),
    "view": _view, "reshape": _view, "view_as": _view_as, "reshape_as": _view_as, "expand_as": _view_as,
    "flatten": _flatten, "ravel": _flatten, "expand": _expand, "broadcast_to": _expand, "repeat": _repeat, "tile": _repeat,
    "repeat_interleave": _repeat_interleave,
    "unsqueeze": _unsqueeze, "squeeze": _squeeze, "transpose": _transpose, "swapaxes": _transpose, "t": _reverse,
    "permute": _permute, "cat": _cat, "concat": _cat, "concatenate": _cat, "stack": _stack, "__getitem__": _getitem,
    "sum": _reduce, "mean": _reduce, "amax": _reduce, "amin": _reduce, "norm": _reduce, "std": _reduce, "prod": _reduce,
    "norm_except_dim": _norm_except, "_weight_norm": _same, "outer": _outer, "ger": _outer, "matmul": _matmul,
    "__matmul__": _matmul, "mm": _matmul,
}  # fmt: skip
_PROPERTIES: Final[dict[str, Rule]] = {"data": _same, "T": _reverse, "mT": _swap_last, "real": _same, "imag": _same}


@lru_cache(maxsize=1)
def rules() -> dict[Any, Rule]:
    """Every torch function that has a rule, as the objects that a ``TorchFunctionMode`` receives."""
    import torch

    named = dict.fromkeys(_ELEMENTWISE, _broadcast) | dict.fromkeys(_UNCHANGED, _same) | _NAMED
    table: dict[Any, Rule] = {}
    for name, rule in named.items():
        for owner in (torch, torch.Tensor, torch._C.TensorBase):
            function = getattr(owner, name, None)
            if function is not None and callable(function) and not isinstance(function, type):
                table[function] = rule
    for name, rule in _PROPERTIES.items():
        table[getattr(torch.Tensor, name).__get__] = rule
    return table
