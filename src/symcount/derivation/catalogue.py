"""Layer types by their names, and the catalogue's own formula for those it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sympy import Expr

from symcount import layers
from symcount.core.tree import Block
from symcount.errors import DerivationError

__all__ = ["check_catalogued", "kind_of"]


def kind_of(cls: type) -> str:
    """The layer type of a module class: the catalogue's name where it has one, otherwise the class name.

    Every family has an RMS normalisation of its own (`LlamaRMSNorm`), so those are told by their name.

    >>> kind_of(type("LlamaRMSNorm", (), {}))
    'RMSNorm'
    """
    name = cls.__name__
    if name.endswith("RMSNorm"):
        return "RMSNorm"
    return "Linear" if name == "NonDynamicallyQuantizableLinear" else name


Shapes = Mapping[str, tuple[Expr, ...]]
_CATALOGUE: Mapping[str, Callable[[Shapes], Block]] = {
    "Linear": lambda s: layers.Linear(s["weight"][1], s["weight"][0], bias="bias" in s),
    "Conv1D": lambda s: layers.Conv1D(s["weight"][0], s["weight"][1]),
    "Embedding": lambda s: layers.Embedding(s["weight"][0], s["weight"][1]),
    "LayerNorm": lambda s: layers.LayerNorm(s["weight"][0], bias="bias" in s),
    "RMSNorm": lambda s: layers.RMSNorm(s["weight"][0]),
}


def check_catalogued(tree: Block) -> int:
    """Compare every block of a catalogued layer type with the catalogue's formula; return how many were compared.

    Raises:
        DerivationError: a block has other parameters than its layer type.
    """
    compared = 0
    for path, block in tree.walk():
        make = _CATALOGUE.get(block.kind)
        shapes = {p.name: p.shape for p in block.parameters}
        ordinary = "weight" in shapes and shapes.keys() <= {"weight", "bias"} and not block.children
        if make is None or not ordinary or len(shapes["weight"]) != (1 if "Norm" in block.kind else 2):
            continue
        theirs = {p.name: p.shape for p in make(shapes).parameters}
        if theirs != shapes and "*" in block.name:  # layers of several sizes under one index share rows
            continue
        if theirs != shapes:
            raise DerivationError(f"{path} is a {block.kind}, but has {shapes} where the catalogue says {theirs}")
        compared += 1
    return compared
