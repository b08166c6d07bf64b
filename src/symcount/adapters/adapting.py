"""The model with its adapter: every module that is adapted has the adapter's tensors, and the rest is frozen.

What each method adds is in `methods`; which modules are adapted in `targets`; trained tokens are in `prompts`.
The convention `trainable` counts the adapter, `unique` the model with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sympy import Expr, Integer

from symcount.adapters.config import AdapterConfig, configured
from symcount.adapters.methods import LINEAR, added, in_parameter
from symcount.adapters.prompts import PROMPTS, prompt
from symcount.adapters.targets import completed
from symcount.core.ledger import Row
from symcount.core.notation import Entry
from symcount.core.tree import ONE, Block, Parameter
from symcount.errors import OptionError, StructureError, near
from symcount.formulas import layerwise
from symcount.formulas.formula import Formula
from symcount.formulas.quantities import Quantity, quantity
from symcount.storage.precision import ADAPTERS, PROMPT, SAVED

__all__ = ["adapted", "applied", "is_added"]

_LETTERS = {
    "oft_block_size": ("b", "size of a block of the adapter"),
    "boft_block_size": ("b", "size of a block of the adapter"),
    "boft_block_num": ("n", "number of blocks of the adapter"),
    "num_virtual_tokens": ("n", "trained tokens"),
}


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
    _check_parameters(config, base)
    config = completed(config, base)
    rank = _letter(base, config)
    if config.kind in PROMPTS:
        kept = _Adapting(config, rank.symbol, values).saved_only(base.tree)
        tree = replace(kept, children=(*kept.children, prompt(base, config, rank.symbol)))
    else:
        tree = _Adapting(config, rank.symbol, values).block(base.tree, base.name)
    symbols = set().union(*(d.free_symbols for _, b in tree.walk() for p in b.parameters for d in p.shape))
    own = {rank: config.rank} if rank.symbol in symbols else {}
    return quantity(replace(base, defaults=values), tree, "parameters", "P", own, f"{base.name} with {config.kind}")


def _check_parameters(config: AdapterConfig, base: Formula) -> None:
    """Raise unless the model has every parameter that is asked for by itself."""
    there = [row.tensor for row in base.ledger]
    for name in config.parameters:
        if not any(tensor == name or tensor.endswith(f".{name}") for tensor in there):
            raise StructureError(
                f"{config.source}: target_parameters: no parameter of {base.name} is called {name!r:.80}"
            )


def applied(base: Formula, method: str, options: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> Formula:
    """The formula of *base* with an adapter; see `Formula.adapter`.

    Args:
        base: the base model's formula.
        method: of PEFT: `lora`, `vera`, `prefix_tuning`, …
        options: fields of its config.
        values: of the base model, by letter; by default its defaults.

    Raises:
        OptionError, ConfigError, StructureError: see `adapted` and `symcount.adapters.config.configured`.
    """
    if isinstance(base, Quantity):
        raise OptionError(f"{base.name}: adapt the model itself, once; what it then is can be divided and stored")
    kind = str(method).strip().upper().replace("-", "_").replace(" ", "_")
    said = str(method)
    fields = {"peft_type": kind, **{name: _listed(value) for name, value in options.items() if value is not None}}
    known = {letter: value for letter, value in base.defaults.items() if letter in base.notation}
    return adapted(base, configured(fields, said), base.values({**known, **(values or {})}))


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple | set | frozenset) else value


def _letter(base: Formula, config: AdapterConfig) -> Entry:
    """The letter of the rank, or of the size that takes its place."""
    first, meaning = _LETTERS.get(config.sized_by, ("r", "rank of the adapter"))
    letter = next(name for name in (first, f"{first}_lora", f"{first}_adapter") if name not in base.notation)
    latex = first if letter == first else rf"{first}_{{\mathrm{{{letter.partition('_')[2]}}}}}"
    return Entry(letter, config.sized_by if config.sized_by not in base.notation else letter, latex, meaning)


def is_added(row: Row) -> bool:
    """Whether a tensor is the adapter's own; trained biases are the base model's."""
    return row.kind in ADAPTERS or row.path.startswith(PROMPT) or SAVED in row.path.split(".")


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

    def block(self, root: Block, name: str) -> Block:
        tree = self._block(root, "")
        if any(p.trainable for _, b in tree.walk() for p in b.parameters):
            return tree
        wanted = self._config.fields.get("target_modules") or self._config.parameters
        known = sorted({path.rpartition(".")[2] for path, b in root.walk() if b.kind in LINEAR})
        asked = [wanted] if isinstance(wanted, str) else wanted
        raise StructureError(
            f"{self._config.source}: no module of {name or root.kind} is adapted: none is called "
            f"{' or '.join(map(str, asked))}; "
            f"its linear maps are {', '.join(known)}.{near(str(asked[0]), known) if asked else ''}"
        )

    def saved_only(self, root: Block) -> Block:
        """The frozen model with what is trained as a whole beside it."""
        return self._block(root, "")

    def _block(self, block: Block, concrete: str) -> Block:
        """*block* with its adapters; *concrete* is its path with the index in lists that is looked at."""
        if concrete and any(concrete.endswith(name) for name in self._config.saved):
            return self._saved(block)
        children = layerwise.children(
            block,
            concrete,
            self._values,
            self._block,
            by_index=self._config.asks_for_indices,
            source=self._config.source,
        )
        frozen = tuple(replace(p, trainable=self._biased(p, block, concrete)) for p in block.parameters)
        made = [] if block.same_as is not None else self._added(block, concrete)
        return replace(block, parameters=frozen, children=(*children, *made))

    def _saved(self, block: Block) -> Block:
        """A module that is kept, with a copy of all of it that is trained."""
        copy = replace(_copied(block), name=SAVED, repeat=ONE, active=ONE, role=None, conditions=())
        kept = _frozen(block)
        return replace(kept, children=(*kept.children, copy))

    def _biased(self, parameter: Parameter, block: Block, path: str) -> bool:
        """Whether a parameter of the base model is trained."""
        if "bias" not in parameter.name or self._config.bias == "none":
            return False
        return self._config.bias == "all" or self._targeted(block, path)

    def _targeted(self, block: Block, path: str) -> bool:
        if self._config.kind in PROMPTS:
            return False
        linear = block.kind in LINEAR and block.role != "head"
        has = any(p.name == "weight" for p in block.parameters)
        return bool(path) and has and self._config.targets(path, linear)

    def _added(self, block: Block, path: str) -> list[Block]:
        """The blocks that adapt a module, or parameters of it."""
        found = []
        for parameter in block.parameters:
            named = layerwise.joined(path, parameter.name)
            if path and self._config.targets_parameter(named):
                found.append(in_parameter(parameter.name, parameter.shape, self._rank_of(named), path, self._config))
        if not self._targeted(block, path):
            return found
        if found:
            raise OptionError(f"{self._config.source}: {path} is adapted as a module and by its parameters; name one")
        weight = next(p for p in block.parameters if p.name == "weight")
        return added(block, weight, path, self._rank_of(path), self._config, self._values)

    def _rank_of(self, path: str) -> Expr:
        own = self._config.rank_of(path)
        return self._rank * self._config.multiple_of(path) if own is None else Integer(own)
