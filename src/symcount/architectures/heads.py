"""The heads that several architectures have: onto the vocabulary, and a classification of one token's state."""

from __future__ import annotations

from symcount.architectures.base import Build, Options
from symcount.core.tree import Block, Size, block
from symcount.layers import Head, Linear

__all__ = ["classification_head", "vocabulary_head"]


def vocabulary_head(hidden: Size, vocabulary: Size, tied_to: str, *, bias: bool | str = False) -> Build:
    """The projection onto the vocabulary, `HV` and with bias `HV + V`; tied, as the config may say, it stores less.

    Args:
        hidden: width of what is projected.
        vocabulary: number of tokens.
        tied_to: path of the table that is its weight where the config ties them.
        bias: with a bias; or the path of a second name of it, at which it is stored where the config ties.
    """

    def build(options: Options) -> Block:
        head = Head(hidden, vocabulary, bias=bool(bias))
        if not options["tie_word_embeddings"]:
            return head
        return head.tie(weight=tied_to, bias=bias) if isinstance(bias, str) else head.tie(weight=tied_to)

    return build


def classification_head(kind: str, hidden: Size, labels: Size) -> Block:
    """Two maps on the state of one token: `H² + H + YH + Y`."""
    return block(kind, dense=Linear(hidden, hidden), out_proj=Linear(hidden, labels))
