"""What indexing, reductions and moves of dimensions do to symbolic shapes, beside `concolic.tensors.view_rules`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from symcount.concolic.tensors.shape_rules import by_function
from symcount.concolic.tensors.view_rules import Dims, Rule, ShapeOf, inferred

__all__ = ["selections"]


def _one_hot(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    return (*shape_of(args[0]), kwargs.get("num_classes", args[1] if len(args) > 1 else -1))


def _place(args: Sequence[Any], kwargs: dict[str, Any], default: Any = None) -> Any:
    return kwargs.get("dim", args[1] if len(args) > 1 else default)


def _without(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """Reductions over one dimension."""
    shape, place = shape_of(args[0]), _place(args, kwargs)
    if type(place) is not int:
        return ()
    kept = len(shape) == result.ndim
    return tuple(1 if i == place % len(shape) else d for i, d in enumerate(shape) if kept or i != place % len(shape))


def _moved(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    """``movedim`` of one dimension."""
    dims = list(shape_of(args[0]))
    source, target = (kwargs.get(n, args[i] if len(args) > i else None) for i, n in ((1, "source"), (2, "destination")))
    if type(source) is not int or type(target) is not int:
        return None
    dim = dims.pop(source % len(dims))
    dims.insert(target % (len(dims) + 1), dim)
    return tuple(dims)


def _unflattened(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    dims, place = list(shape_of(args[0])), _place(args, kwargs)
    sizes: Any = kwargs.get("sizes", args[2] if len(args) > 2 else None)
    place %= len(dims)
    inner = inferred(list(sizes), (dims[place],))
    return None if inner is None else (*dims[:place], *inner, *dims[place + 1 :])


def _narrowed(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    dims = list(shape_of(args[0]))
    dims[_place(args, kwargs)] = kwargs["length"] if "length" in kwargs else args[3]
    return tuple(dims)


def _selected(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    dims = list(shape_of(args[0]))
    del dims[_place(args, kwargs)]
    return tuple(dims)


def _gathered(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    index = kwargs.get("index", args[2] if len(args) > 2 and hasattr(args[2], "new_empty") else args[1])
    return shape_of(index)


def _index_selected(shape_of: ShapeOf, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> Dims | None:
    dims = list(shape_of(args[0]))
    dims[_place(args, kwargs)] = shape_of(kwargs.get("index", args[2] if len(args) > 2 else None))[0]
    return tuple(dims)


@lru_cache(maxsize=1)
def selections() -> dict[Any, Rule]:
    """The rules, by function."""
    from torch.nn import functional

    named = {
        **dict.fromkeys(("argmax", "argmin", "any", "all", "logsumexp", "var"), _without),
        **dict.fromkeys(("movedim", "moveaxis"), _moved),
        **dict.fromkeys(("gather", "take_along_dim"), _gathered),
        "unflatten": _unflattened, "narrow": _narrowed, "select": _selected, "index_select": _index_selected,
    }  # fmt: skip
    return {functional.one_hot: _one_hot, **by_function(named)}
