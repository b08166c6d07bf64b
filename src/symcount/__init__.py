"""symcount: exact closed forms for the parameter counts of neural networks.

>>> import symcount as sc
>>> f = sc.formula("BertForMaskedLM")
>>> f.count(V=30_000, L=512, H=768, I=3072, N=12, T=2, A=12)
109112880
>>> f.difference("per_layer", "unique")
H*V

Importing symcount loads neither torch nor transformers.
"""

from symcount import layers
from symcount.api import count, formula
from symcount.errors import SymcountError
from symcount.formula import Formula
from symcount.ledger import CONVENTIONS
from symcount.notation import Notation, symbol
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
    "count",
    "formula",
    "layers",
    "stack",
    "symbol",
]
