"""What one of several ranks holds: FSDP2, ZeRO-3, and the tensor parallelism of transformers.

* FSDP2 (`torch.distributed.fsdp.fully_shard`): each parameter by rows, as `torch.chunk` divides them: `⌈n/W⌉` rows for
  the first ranks, what is left for the next, nothing for the last.
* ZeRO-3 (DeepSpeed, `partition_parameters.py`): each parameter flat, padded to a multiple of the ranks.
* Tensor parallelism: the plan that the model class and its config class have (`model.tp_plan`), a style for a module or
  parameter; what it does not name is replicated. Styles: `distributed/tensor_parallel.py` of transformers 5.23.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal

from sympy import Expr, Integer, Max, Min, Mul, ceiling

from symcount.core.tree import Block, Parameter
from symcount.errors import OptionError
from symcount.formulas.layerwise import joined
from symcount.storage.trees import mapped

__all__ = ["SCHEMES", "Scheme", "by_plan", "by_rows", "flat"]

Scheme = Literal["fsdp2", "zero3", "tp"]
SCHEMES: Final[tuple[Scheme, ...]] = ("fsdp2", "zero3", "tp")

#: style -> the dimension that is divided, counted from the last, and into how many parts before
_STYLES: Final[Mapping[str, tuple[int, int]]] = {
    "colwise": (-2, 1), "colwise_rep": (-2, 1), "colwise_gather_output": (-2, 1), "local_colwise": (-2, 1),
    "rowwise": (-1, 1), "rowwise_rep": (-1, 1), "rowwise_split_input": (-1, 1), "local_rowwise": (-1, 1),
    "embedding_rowwise": (-2, 1), "embedding_colwise": (-1, 1),
    "packed_colwise": (-2, 2), "local_packed_colwise": (-2, 2), "packed_rowwise": (-1, 2),
}  # fmt: skip
#: styles that change what a module does, and divide nothing
_WHOLE: Final = (
    "sequence_parallel", "replicated_with_grad_allreduce", "mla_kv_a_proj", "all_reduce", "moe_tp_experts", "gather",
    "moe_identity_expert", "local_params", "replicate", "local", "replicated", "ep_router",
)  # fmt: skip
_BIAS = "bias"


def _chunk(size: Expr, ways: Expr, rank: int) -> Expr:
    """How much of *size* a rank has: chunks of `⌈size/ways⌉`, the last ones shorter or empty."""
    part = ceiling(size / ways)
    return part if rank == 0 else Max(Integer(0), Min(part, size - rank * part))


def by_rows(shape: tuple[Expr, ...], ways: Expr, rank: int) -> tuple[Expr, ...]:
    """The rows of a parameter that a rank of FSDP2 has.

    >>> from sympy import Symbol
    >>> by_rows((Integer(10), Symbol("H")), Integer(4), 3)
    (1, H)
    """
    if not shape:
        raise OptionError("fsdp2: a parameter that is a single number cannot be divided into rows")
    return (_chunk(shape[0], ways, rank), *shape[1:])


def flat(shape: tuple[Expr, ...], ways: Expr) -> tuple[Expr, ...]:
    """The elements of a parameter that a rank of ZeRO-3 has, with the padding.

    >>> flat((Integer(10), Integer(3)), Integer(4))
    (8,)
    """
    return (ceiling(Mul(*shape) / ways),)


def _styled(shape: tuple[Expr, ...], name: str, style: str, ways: Expr, rank: int) -> tuple[Expr, ...]:
    if style in _WHOLE:
        return shape
    if style not in _STYLES:
        raise OptionError(f"tp: style {style!r:.80} is not known; those of transformers 5.23 are")
    place, groups = _STYLES[style]
    if place == -1 and (name == _BIAS or (groups > 1 and len(shape) == 1)):
        return shape  # it is added after the sum over the ranks
    place = max(place, -len(shape))
    if not shape:
        return shape
    if len(shape) == 1:
        groups = 1
    size = shape[place]
    if groups == 1:
        local = _chunk(size, ways, rank)
    else:  # each part is divided by itself
        part = ceiling(size / groups)
        local = (groups - 1) * _chunk(part, ways, rank) + _chunk(size - (groups - 1) * part, ways, rank)
    return tuple(local if i == len(shape) + place else d for i, d in enumerate(shape))


def _style(path: str, name: str, plan: Mapping[str, str]) -> str | None:
    """The style of a parameter: its own, or its module's."""
    return plan.get(joined(path, name), plan.get(path))


def by_plan(tree: Block, plan: Mapping[str, str], ways: Expr, rank: int) -> Block:
    """The tree of what a rank has under a plan of tensor parallelism; what is tied is divided once, by any style."""
    styles: dict[str, str] = {}
    for path, block in tree.walk():
        for p in block.parameters:
            style = _style(path, p.name, plan)
            if style is not None:
                owner = joined(path, p.name) if p.alias_of is None else p.alias_of
                if p.alias_of is None:
                    styles[owner] = style
                else:
                    styles.setdefault(owner, style)

    def local(path: str, _block: Block, p: Parameter) -> tuple[Parameter]:
        style = styles.get(joined(path, p.name) if p.alias_of is None else p.alias_of)
        return (p if style is None else replace(p, shape=_styled(p.shape, p.name, style, ways, rank)),)

    return mapped(tree, local)
