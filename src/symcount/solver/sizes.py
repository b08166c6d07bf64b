"""Which symbols are the sizes of a model: its width, its depth, the sizes of its layers."""

from __future__ import annotations

from sympy import Expr, Symbol

from symcount.formulas.formula import Formula

__all__ = ["DEPTH", "aspect_ratio", "family_sizes", "in_stages", "layer_sizes", "main_sizes"]

DEPTH = "num_hidden_layers"
"""The config field that says how many layers there are where a list says of which kind each is."""


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


def family_sizes(formula: Formula) -> tuple[str, str]:
    """The same; where there is no H, what the heads divide, or the width of the first of several stages.

    >>> import symcount as sc
    >>> family_sizes(sc.formula("XLMModel")), family_sizes(sc.formula("ConvNextModel"))
    (('emb_dim', 'N'), ('hidden_sizes_0', 'N_0'))
    """
    width, depth = main_sizes(formula)
    if width:
        return width, depth
    for c in formula.domain:
        if c.relation == "divides" and str(c.left).partition("_")[0] == "A" and isinstance(c.right, Symbol):
            return c.right.name, depth
    sizes = layer_sizes(formula)
    return next((n for n in sizes if formula.notation[n].field.endswith("[0]")), ""), depth


def in_stages(formula: Formula, letter: str) -> bool:
    """Whether a size is one of a list: that of one stage of several."""
    return letter in formula.notation and formula.notation[letter].field.endswith("]")


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
    repeats = {s for _, item in formula.tree.walk() for s in item.copies.free_symbols | item.active.free_symbols}
    return tuple(e.letter for e in formula.notation if e.scales and e.symbol in alone and e.symbol not in repeats)
