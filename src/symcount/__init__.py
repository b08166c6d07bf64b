"""symcount: exact closed forms for the parameter counts of neural networks.

>>> import symcount as sc
>>> f = sc.formula("BertForMaskedLM")
>>> f.count(V=30_000, L=512, H=768, I=3072, N=12, T=2, A=12)
109112880
>>> f.difference("per_layer", "unique")
H*V

Importing symcount loads nothing but this file and a registry: each public name is imported when it is first used, SymPy
with it. torch and transformers are loaded only by what builds a real model.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from symcount.formulas.registry import register

if TYPE_CHECKING:
    from symcount import layers
    from symcount.api import count, formula, notes, verify
    from symcount.core.ledger import CONVENTIONS
    from symcount.core.notation import Notation, symbol
    from symcount.core.tree import Block, Parameter, block, stack
    from symcount.derivation.api import derive
    from symcount.errors import SymcountError
    from symcount.formulas.formula import Formula
    from symcount.forward.api import cache, flops
    from symcount.reports.compare import compare
    from symcount.reports.iverson import with_options
    from symcount.reports.shares import shares
    from symcount.solver.api import solve
    from symcount.solver.ladder import ladder

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
    "CONVENTIONS": "symcount.core.ledger",
    "Block": "symcount.core.tree",
    "Formula": "symcount.formulas.formula",
    "Notation": "symcount.core.notation",
    "Parameter": "symcount.core.tree",
    "SymcountError": "symcount.errors",
    "block": "symcount.core.tree",
    "cache": "symcount.forward.api",
    "compare": "symcount.reports.compare",
    "count": "symcount.api",
    "derive": "symcount.derivation.api",
    "flops": "symcount.forward.api",
    "formula": "symcount.api",
    "shares": "symcount.reports.shares",
    "ladder": "symcount.solver.ladder",
    "notes": "symcount.api",
    "solve": "symcount.solver.api",
    "stack": "symcount.core.tree",
    "symbol": "symcount.core.notation",
    "verify": "symcount.api",
    "with_options": "symcount.reports.iverson",
}

# what is made of a formula, or known of its config -> the module above formulas, and the function in it, that has it
_MAKERS = {
    "adapter": ("symcount.adapters.adapting", "applied"),
    "bytes": ("symcount.storage.formulas", "bytes_with"),
    "cache": ("symcount.forward.api", "cache"),
    "flops": ("symcount.forward.api", "flops"),
    "shard": ("symcount.storage.sharding", "shard_of"),
    "stored count": ("symcount.lookup", "stored_count"),
}


def _maker(name: str) -> Any:
    """The function that makes something of a formula."""
    module, function = _MAKERS[name]
    return getattr(import_module(module), function)


for _name in _MAKERS:
    register(_name, partial(_maker, _name))


def __getattr__(name: str) -> Any:
    """Public names are loaded on first use."""
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    elif name == "layers":
        value = import_module("symcount.layers")
    else:
        raise AttributeError(f"module 'symcount' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
