"""What matrix products and look-ups do to symbolic shapes; a rule is what it is in `concolic.tensors.shape_rules`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from symcount.concolic.tensors.arguments import by_name, tensors_of_product
from symcount.concolic.tensors.shape_rules import by_function
from symcount.concolic.tensors.view_rules import Dims, Rule, ShapeOf
from symcount.concolic.values.numbers import SymbolicInt

__all__ = ["products"]


def _embedding(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    given, weight = tensors_of_product(args, kwargs)[:2]
    return (*shape_of(given), *shape_of(weight)[1:])


def _product(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``matmul`` and ``bmm``, with broadcasting."""
    a, b = (shape_of(tensor) for tensor in tensors_of_product(args, kwargs)[:2])
    if len(a) == 1 or len(b) == 1:
        return (*a[:-1], *b[:-2], *b[-1:]) if len(b) > 1 else a[:-1]
    return (*_broadcast(a[:-2], b[:-2]), a[-2], b[-1])


def _broadcast(a: Dims, b: Dims) -> Dims:
    width = max(len(a), len(b))
    a, b = (1,) * (width - len(a)) + tuple(a), (1,) * (width - len(b)) + tuple(b)
    return tuple(
        y if int(x) == 1 or (not isinstance(x, SymbolicInt) and int(y) != 1) else x for x, y in zip(a, b, strict=True)
    )


def _added_product(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``addmm`` and ``baddbmm``."""
    return _product(shape_of, tensors_of_product(args, kwargs)[1:], {}, result)


def _attention(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``scaled_dot_product_attention``."""
    named = by_name("query key value", args, kwargs)
    query, value = shape_of(named["query"]), shape_of(named["value"])
    return (*query[:-1], value[-1])


def _einsum(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    equation, *rest = args
    operands: Sequence[Any] = rest[0] if len(rest) == 1 and isinstance(rest[0], list | tuple) else rest
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    if not arrow or "." in equation:
        return None
    sizes = {
        c: d
        for part, t in zip(inputs.split(","), operands, strict=True)
        for c, d in zip(part, shape_of(t), strict=True)
    }
    return tuple(sizes[c] for c in output)


@lru_cache(maxsize=1)
def products() -> dict[Any, Rule]:
    """The rules, by function."""
    import torch
    from torch.nn import functional

    table: dict[Any, Rule] = {
        functional.embedding: _embedding,
        functional.scaled_dot_product_attention: _attention,
        torch.einsum: _einsum,
    }
    named = {**dict.fromkeys(("matmul", "bmm", "mm", "__matmul__"), _product),
             **dict.fromkeys(("addmm", "baddbmm"), _added_product)}  # fmt: skip
    return table | by_function(named)
