"""Weights in the types of GGUF files: a block of so many elements of a row takes so many bytes.

The matrices of linear maps and stacked experts, and tables of embeddings have the type that is asked for; all else is
in fp32, as llama.cpp keeps it (norms, biases, routers, convolutions and states of recurrent layers). That is a file of
one type (`llama-quantize --pure`); mixes such as Q4_K_M choose a type for each tensor by its name and place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from sympy import Expr, Integer

from symcount.checkpoints.gguf import TYPES
from symcount.core.domain import divides
from symcount.core.tree import Block, Parameter
from symcount.errors import OptionError, near
from symcount.storage.packing import STACKED
from symcount.storage.trees import mapped

__all__ = ["BLOCKS", "in_blocks"]

_NUMBERS: Final = ("I8", "I16", "I32", "I64", "F64")  # of tables, no weights
#: By the name of a type: elements of a block, and its bytes.
BLOCKS: Final = {name: (elements, size) for name, elements, size in TYPES.values() if name not in _NUMBERS}
_FP32: Final = Integer(4)


def in_blocks(tree: Block, name: Any) -> Block:
    """The weights of a model in blocks of the type of that *name*, such as `Q8_0` or `Q4_K`.

    Raises:
        OptionError: there is no such type.
    """
    found = BLOCKS.get(str(name).upper())
    if found is None:
        raise OptionError(
            f"GGUF type {name!r:.80}: expected one of {', '.join(BLOCKS)}.{near(str(name), list(BLOCKS))}"
        )
    elements, size = found

    def stored(_path: str, block: Block, p: Parameter) -> Iterable[Parameter]:
        row = _row(block, p)
        if row is None:
            yield replace(p, shape=(*p.shape, _FP32), trainable=False)
        else:
            others = (n for i, n in enumerate(p.shape) if i != row)
            yield replace(p, shape=(*others, p.shape[row] / elements, Integer(size)), trainable=False)

    def whole(block: Block) -> Block:
        """With the conditions that rows are whole blocks."""
        rows = {p.shape[i] for p in block.parameters if (i := _row(block, p)) is not None and p.alias_of is None}
        parts: set[Expr] = {n for n in rows if not (n.is_Integer and int(n) % elements == 0)}
        conditions = (divides(Integer(elements), n) for n in sorted(parts, key=str)) if elements > 1 else ()
        children = tuple(map(whole, block.children))
        return replace(block, children=children, conditions=(*block.conditions, *conditions))

    return mapped(whole(tree), stored)


def _row(block: Block, parameter: Parameter) -> int | None:
    """Which dimension of a matrix is its rows' length; `None` for what is no matrix of those that have the type."""
    dimensions = len(parameter.shape)
    if dimensions == 3 and block.name == "experts" and parameter.name in STACKED:
        return 1 if block.kind == "GptOssExperts" else 2
    if dimensions != 2 or not parameter.name.endswith("weight"):
        return None
    if block.kind == "Conv1D":
        return 0
    return 1 if "Linear" in block.kind or "Embedding" in block.kind else None
