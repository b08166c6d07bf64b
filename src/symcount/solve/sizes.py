"""Which symbols are the sizes of a model: its width, its depth, the sizes of its layers."""

from __future__ import annotations

from sympy import Expr, Symbol

from symcount.formula import Formula

__all__ = ["aspect_ratio", "layer_sizes", "main_sizes"]


def main_sizes(formula: Formula) -> tuple[str, str]:
    """The letters of the width and the depth that a family grows by: H and N, or those of the first part that has them.

    >>> import symcount as sc
    >>> main_sizes(sc.formula("bert")), main_sizes(sc.formula("BartModel")), main_sizes(sc.formula("CLIPModel"))
    (('H', 'N'), ('H', 'N_enc'), ('H_text', 'N_text'))
    """
    letters = [e.letter for e in formula.notation]
    used = {s.name for s in formula.total.free_symbols}

    def first(kind: str) -> str:
        if kind in letters:
            return kind
        return next((n for n in letters if n.startswith(f"{kind}_") and n in used), "")

    return first("H"), first("N")


def aspect_ratio(formula: Formula) -> Expr | None:
    """H/N, where the formula has both."""
    width, depth = main_sizes(formula)
    return formula.notation[width].symbol / formula.notation[depth].symbol if width and depth else None


def layer_sizes(formula: Formula) -> tuple[str, ...]:
    """The letters of widths: they grow with the model, are a dimension of a tensor or in one, and repeat nothing.

    >>> import symcount as sc
    >>> layer_sizes(sc.formula("bert"))
    ('H', 'I')
    """
    alone = {s for row in formula.ledger for d in row.shape if isinstance(s := d.as_coeff_Mul()[1], Symbol)}
    repeats = {s for _, item in formula.tree.walk() for s in item.repeat.free_symbols | item.active.free_symbols}
    return tuple(e.letter for e in formula.notation if e.scales and e.symbol in alone and e.symbol not in repeats)
