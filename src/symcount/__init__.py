"""symcount: exact closed forms for the parameter counts of neural networks.

>>> import symcount as sc
>>> f = sc.formula("BertForMaskedLM")
>>> f.count(V=30_000, L=512, H=768, I=3072, N=12, T=2, A=12)
109112880
>>> f.difference("per_layer", "unique")
H*V

Importing symcount loads nothing but this file: each public name is imported when it is first used, SymPy with it.
torch and transformers are loaded only by what builds a real model.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symcount import layers
    from symcount.api import compare, count, formula, notes, shares, verify
    from symcount.derive.api import derive
    from symcount.errors import SymcountError
    from symcount.formula import Formula
    from symcount.forward.api import cache, flops
    from symcount.iverson import with_options
    from symcount.ledger import CONVENTIONS
    from symcount.notation import Notation, symbol
    from symcount.solve.api import solve
    from symcount.solve.ladder import ladder
    from symcount.tree import Block, Parameter, block, stack

__version__ = "0.1.0"

__all__ = [
    "CONVENTIONS",
    "Block",
    "Formula",
    "Notation",
    "Parameter",
    "SymcountError",
    "block",
    "cache",
    "compare",
    "count",
    "derive",
    "flops",
    "formula",
    "ladder",
    "layers",
    "notes",
    "shares",
    "solve",
    "stack",
    "symbol",
    "verify",
    "with_options",
]

# public name -> the module that defines it
_HOME = {
    "CONVENTIONS": "symcount.ledger",
    "Block": "symcount.tree",
    "Formula": "symcount.formula",
    "Notation": "symcount.notation",
    "Parameter": "symcount.tree",
    "SymcountError": "symcount.errors",
    "block": "symcount.tree",
    "cache": "symcount.forward.api",
    "compare": "symcount.api",
    "count": "symcount.api",
    "derive": "symcount.derive.api",
    "flops": "symcount.forward.api",
    "formula": "symcount.api",
    "shares": "symcount.api",
    "ladder": "symcount.solve.ladder",
    "notes": "symcount.api",
    "solve": "symcount.solve.api",
    "stack": "symcount.tree",
    "symbol": "symcount.notation",
    "verify": "symcount.api",
    "with_options": "symcount.iverson",
}


class _Package(ModuleType):
    """The package's own module type: public names are loaded on first use, and stay what they are.

    `formula` and `verify` are verbs and also sub-modules; the import system would bind the sub-module to the
    package's attribute when it is first imported, in whatever order that happens.
    """

    def __getattr__(self, name: str) -> Any:
        from importlib import import_module

        if name in _HOME:
            value = getattr(import_module(_HOME[name]), name)
        elif name == "layers":
            value = import_module("symcount.layers")
        else:
            raise AttributeError(f"module 'symcount' has no attribute {name!r}")
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *__all__})


sys.modules[__name__].__class__ = _Package
