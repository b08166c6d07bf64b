"""A model on several ranks: the formula of what one of them holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from sympy import Expr

from symcount.core.notation import Entry
from symcount.core.tree import Block
from symcount.errors import OptionError, near
from symcount.formulas.formula import Formula
from symcount.formulas.quantities import quantity
from symcount.storage.plans import plan_of
from symcount.storage.shards import SCHEMES, by_plan, by_rows, flat
from symcount.storage.trees import mapped

__all__ = ["shard_of"]

_MOST = 10**6  # ranks


def shard_of(of: Formula, ranks: int, scheme: str, rank: int, plan: Mapping[str, str] | None) -> Formula:
    """The formula of the parameters that one of several ranks holds; see `Formula.shard`.

    Raises:
        OptionError: no such scheme or rank, or a model without a plan.
    """
    if scheme not in SCHEMES:
        raise OptionError(
            f"scheme {scheme!r:.80}: expected one of {', '.join(SCHEMES)}.{near(str(scheme), list(SCHEMES))}"
        )
    if type(ranks) is not int or not 1 <= ranks <= _MOST:
        raise OptionError(f"ranks {ranks!r:.80}: expected an integer of at least 1")
    if type(rank) is not int or not 0 <= rank < ranks:
        raise OptionError(f"rank {rank!r:.80}: expected an integer from 0 to {ranks - 1}, the number of ranks less one")
    if of.unit != "parameters":
        raise OptionError(f"{of.name}: this is a formula of {of.unit}; divide that of its parameters")
    letter = next(name for name in ("W", "W_ranks", "ranks") if name not in of.notation)
    ways = Entry(letter, letter, "W" if letter == "W" else r"W_{\mathrm{ranks}}", "ranks")
    if scheme == "tp":
        tree = by_plan(of.tree, plan_of(of)[0] if plan is None else plan, ways.symbol, rank)
    elif scheme == "zero3":
        tree = _divided(of.tree, lambda shape: flat(shape, ways.symbol))
    else:
        tree = _divided(of.tree, lambda shape: by_rows(shape, ways.symbol, rank))
    return quantity(of, tree, "parameters", "P", {ways: ranks}, f"{of.name}, rank {rank} of {ranks}, {scheme}")


def _divided(tree: Block, change: Callable[[tuple[Expr, ...]], tuple[Expr, ...]]) -> Block:
    return mapped(tree, lambda _path, _block, p: (replace(p, shape=change(p.shape)),))
