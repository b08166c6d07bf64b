"""Lookup tables."""

from __future__ import annotations

from symcount.core.tree import Block, Parameter, Role, Size, expr

__all__ = ["Embedding"]


def Embedding(
    num_embeddings: Size, embedding_dim: Size, *, trainable: bool = True, role: Role | None = "embedding"
) -> Block:
    """A table with one row a token, position or type: `P = V H`.

    Shapes: `weight (num_embeddings, embedding_dim)`. A padding row is stored like any other.

    Args:
        num_embeddings: rows, e.g. the vocabulary size V.
        embedding_dim: columns, e.g. the hidden size H.
        trainable: false for frozen tables such as sinusoidal positions.
        role: `embedding` for tables of tokens, positions and types; `None` for a table inside attention.

    Raises:
        StructureError: a size is neither an integer nor an expression.

    >>> from symcount.core.ledger import Ledger
    >>> from symcount.core.notation import symbol
    >>> Ledger.of(Embedding(symbol("V"), symbol("H"))).total()
    H*V

    Source: https://pytorch.org/docs/stable/generated/torch.nn.Embedding.html
    """
    weight = Parameter("weight", (expr(num_embeddings), expr(embedding_dim)), trainable=trainable)
    return Block("", "Embedding", (weight,), role=role)
