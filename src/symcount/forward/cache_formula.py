"""The formula of a cache: in elements, or in bytes where each tensor has its own type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sympy import Integer

from symcount.core.tree import Block
from symcount.derivation.formula import DerivedFormula
from symcount.formulas.formula import Formula
from symcount.formulas.layerwise import joined
from symcount.forward.cache_module import DTYPE, KIND, MARK
from symcount.forward.formulas import ForwardFormula, lettered
from symcount.storage.dtypes import dtype as dtype_of

if TYPE_CHECKING:
    from symcount.derivation.certificate import Certificate

__all__ = ["CacheFormula", "cache_formula"]


@dataclass(frozen=True, repr=False)
class CacheFormula(ForwardFormula):
    """The elements that a model's own cache holds after S tokens of each of B sequences.

    Attributes:
        dtypes: of the tensors that have one of their own, by path; the others have the model's.
    """

    dtypes: Mapping[str, str] = field(default_factory=dict)

    __hash__ = Formula.__hash__

    def bytes(self, dtype: Any = DTYPE) -> CacheFormula:  # type: ignore[override]  # of a cache there are no parts
        """The bytes that the cache holds where the model is in *dtype*: a tensor has the size of an element beside.

        Recurrent states may be in fp32 whatever the model is in; see `dtypes`.

        Raises:
            OptionError: no such type.
        """
        own = dtype_of(dtype)

        def sized(block: Block, path: str) -> Block:
            parameters = []
            for p in block.parameters:
                found = self.dtypes.get(joined(path, p.name))
                size = (own if found is None else dtype_of(found)).size
                parameters.append(replace(p, shape=(*p.shape, Integer(size)) if size > 1 else p.shape))
            children = (sized(c, joined(path, c.name)) for c in block.children)
            return replace(block, parameters=tuple(parameters), children=tuple(children))

        return replace(self, tree=sized(self.tree, self.tree.name), unit="bytes of the cache")

    def certify(self, trials: int = 8, seed: int = 0) -> Certificate:
        """Compare the formula with the caches of *trials* real models at random points, tensor by tensor.

        Raises:
            VerificationError: they disagree.
            DerivationError: not enough points could be built.
        """
        return self.whole.certify(trials, seed)


def cache_formula(derived: DerivedFormula) -> CacheFormula:
    """The formula of a cache, of that of the model whose parameters its tensors are."""
    dtypes: dict[str, str] = {}

    def cleaned(block: Block, path: str) -> list[Block]:
        """The block; for a layer of a list one of each class."""
        parameters = []
        for p in block.parameters:
            name, _, dtype = p.name.partition(MARK)
            if dtype:
                dtypes[joined(path, name)] = dtype
            parameters.append(replace(p, name=name, alias_of=None))
        children: list[Block] = []
        layers: list[Block] = []
        for child in block.children:
            if child.name.startswith(KIND):
                layers += [
                    replace(one, name=block.name, kind=child.kind, repeat=block.repeat * one.repeat)
                    for one in cleaned(child.named(""), path)
                ]
            else:
                children += cleaned(child, joined(path, child.name))
        own = replace(block, parameters=tuple(parameters), children=tuple(children))
        return layers + ([own] if parameters or children or not layers else [])

    (tree,) = cleaned(derived.tree, derived.tree.name)
    made: CacheFormula = lettered(CacheFormula, derived, tree)
    return replace(made, dtypes=dtypes, unit="elements of the cache", sign="C")
