"""The model with its adapter: every module that is adapted has the adapter's tensors, and the rest is frozen.

* LoRA (Hu et al. 2021, arXiv:2106.09685): `W + B A` with `A (r, in)` and `B (out, r)`: `r(in + out)` for each matrix.
* DoRA (Liu et al. 2024, arXiv:2402.09353): a vector of `out` magnitudes besides.
* IA3 (Liu et al. 2022, arXiv:2205.05638): a vector of `out` factors, of `in` for a feed-forward module.

The convention `trainable` counts the adapter, `unique` the model with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sympy import Expr, Integer

from symcount import layerwise
from symcount.adapters.config import AdapterConfig
from symcount.errors import OptionError, StructureError
from symcount.formula import Formula
from symcount.ledger import Row
from symcount.notation import Entry, Notation
from symcount.tree import ONE, Block, Parameter

__all__ = ["adapted", "is_added"]

_LINEAR = ("Linear", "Conv1D", "NonDynamicallyQuantizableLinear")
_CONVOLUTIONS = ("Conv1d", "Conv2d", "Conv3d")
_KINDS = ("LoRA", "DoRA", "IA3")  # layer types of adapters
_SAVED = "modules_to_save"


def adapted(base: Formula, config: AdapterConfig, values: Mapping[str, Any]) -> Formula:
    """The formula of *base* with the adapter of *config*; its rank is a symbol.

    Args:
        base: the base model's formula.
        config: of the adapter.
        values: of the base model, by letter.

    Raises:
        StructureError: nothing is adapted.
        OptionError: a module of a kind that this method is not known for, or layers that cannot be told apart.

    >>> import symcount as sc
    >>> from symcount.adapters.config import AdapterConfig
    >>> said = {"target_modules": ["q_proj", "v_proj"]}
    >>> f = adapted(sc.formula("LlamaForCausalLM"), AdapterConfig(said, "", "LORA", 8), {"N": 32})
    >>> print(f.latex(convention="trainable"))
    N(ADr + KDr + 2Hr)
    """
    letter = next(name for name in ("r", "r_lora", "r_adapter") if name not in base.notation)
    rank = Entry(letter, letter, letter if letter == "r" else r"r_{\mathrm{lora}}", "rank of the adapter")
    tree = _Adapting(config, rank.symbol, values).block(base.tree, "", "")
    symbols = {rank.symbol} & set().union(*(p.shape[0].free_symbols for _, b in tree.walk() for p in b.parameters))
    notation = Notation((rank, *base.notation)) if symbols else base.notation
    return Formula(
        tree,
        notation,
        f"{base.name} with {config.kind}",
        base.model_type,
        options=base.options,
        defaults={**values, **({letter: config.rank} if symbols else {})},
        filled=base.filled,
        conditions=base.conditions,
        origin=base.origin,
    )


def is_added(row: Row) -> bool:
    """Whether a tensor is the adapter's own; trained biases are the base model's."""
    return row.kind in _KINDS or _SAVED in row.path.split(".")


def _frozen(block: Block) -> Block:
    parameters = tuple(replace(p, trainable=False) for p in block.parameters)
    return replace(block, parameters=parameters, children=tuple(map(_frozen, block.children)))


def _copied(block: Block) -> Block:
    """A module that is trained beside the frozen one."""
    parameters = tuple(replace(p, alias_of=None, trainable=True, same_layer=False) for p in block.parameters)
    return replace(block, parameters=parameters, children=tuple(map(_copied, block.children)), same_as=None)


class _Adapting:
    """Walks the tree of a model; counts what it adapts."""

    def __init__(self, config: AdapterConfig, rank: Expr, values: Mapping[str, Any]) -> None:
        self._config, self._rank, self._values = config, rank, values

    def block(self, root: Block, path: str, concrete: str) -> Block:
        tree = self._block(root, path, concrete)
        added = [p for _, b in tree.walk() for p in b.parameters if p.trainable]
        if not added:
            raise StructureError(f"{self._config.source}: no module of the model is adapted; see its target_modules")
        return tree

    def _block(self, block: Block, path: str, concrete: str) -> Block:
        """*block* with its adapters; *path* has the index in lists that is looked at."""
        if concrete and any(concrete.endswith(name) for name in self._config.saved):
            return self._saved(block)
        children = layerwise.children(
            block,
            concrete,
            self._values,
            lambda child, inner: self._block(child, path, inner),
            by_index=self._config.asks_for_indices,
            source=self._config.source,
        )
        frozen = tuple(replace(p, trainable=self._biased(p, block, concrete)) for p in block.parameters)
        added = [] if block.same_as is not None else self._added(block, concrete)
        return replace(block, parameters=frozen, children=(*children, *added))

    def _saved(self, block: Block) -> Block:
        """A module that is kept, with a copy of all of it that is trained."""
        copy = replace(_copied(block), name=_SAVED, repeat=ONE, active=ONE, role=None, conditions=())
        kept = _frozen(block)
        return replace(kept, children=(*kept.children, copy))

    def _biased(self, parameter: Parameter, block: Block, path: str) -> bool:
        """Whether a parameter of the base model is trained."""
        if "bias" not in parameter.name or self._config.kind != "LORA" or self._config.bias == "none":
            return False
        return self._config.bias == "all" or self._targeted(block, path)

    def _targeted(self, block: Block, path: str) -> bool:
        linear = block.kind in _LINEAR and block.role != "head"
        has = any(p.name == "weight" for p in block.parameters)
        return bool(path) and has and self._config.targets(path, linear)

    def _added(self, block: Block, path: str) -> list[Block]:
        """The blocks that adapt a module."""
        config = self._config
        if not self._targeted(block, path):
            return []
        weight = next(p for p in block.parameters if p.name == "weight")
        if config.kind == "IA3":
            return [self._factors(block, weight, path)]
        rank = Integer(own) if (own := config.rank_of(path)) is not None else self._rank
        return self._low_rank(block, weight, path, rank)

    def _low_rank(self, block: Block, weight: Parameter, path: str, rank: Expr) -> list[Block]:
        shape = weight.shape
        if block.kind == "Embedding":
            tables = (Parameter("lora_embedding_A", (rank, shape[0])), Parameter("lora_embedding_B", (shape[1], rank)))
            return [Block("", "LoRA", tables), *self._magnitudes(shape[1])]
        if block.kind in _CONVOLUTIONS:
            ones = (ONE,) * (len(shape) - 2)
            down, up = (rank, *shape[1:]), (shape[0], rank, *ones)
            magnitudes = self._magnitudes(ONE, shape[0], *ones)
        elif len(shape) == 2:
            size, out = (shape[0], shape[1]) if block.kind == "Conv1D" else (shape[1], shape[0])
            down, up, magnitudes = (rank, size), (out, rank), self._magnitudes(out)
        else:
            raise OptionError(
                f"{self._config.source}: {path} is a {block.kind}, to which LoRA is not known to be added"
            )
        bias = (Parameter("bias", (up[0],)),) if self._config.fields.get("lora_bias") is True else ()
        first = Block("lora_A", "LoRA", (Parameter("weight", down),))
        return [first, Block("lora_B", "LoRA", (Parameter("weight", up), *bias)), *magnitudes]

    def _magnitudes(self, *shape: Expr) -> list[Block]:
        return [Block("", "DoRA", (Parameter("lora_magnitude_vector", shape),))] if self._config.dora else []

    def _factors(self, block: Block, weight: Parameter, path: str) -> Block:
        if len(weight.shape) != 2:
            raise OptionError(f"{self._config.source}: {path} is a {block.kind}, to which IA3 is not known to be added")
        size, out = weight.shape if block.kind == "Conv1D" else (weight.shape[1], weight.shape[0])
        names = self._config.fields.get("feedforward_modules") or []
        inner = any(path == n or path.endswith(f".{n}") for n in ([names] if isinstance(names, str) else names))
        return Block("", "IA3", (Parameter("ia3_l", (ONE, size) if inner else (out, ONE)),))
