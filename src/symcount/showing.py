"""What a formula shows of itself: in a console, in a notebook, and as a program in another language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from sympy import Expr

from symcount.code.languages import write
from symcount.code.program import Program
from symcount.domain import Condition
from symcount.ledger import Convention, Ledger, check_convention
from symcount.notation import Notation
from symcount.tree import Block
from symcount.typeset.notebook import notebook
from symcount.typeset.plain import formula_plain
from symcount.typeset.setting import Look, Setting, word

__all__ = ["Shown"]

_WIDTH = "6.5in"  # of a formula in a notebook
_LINE = 100  # characters of a formula in a console


class Shown:
    """A formula's `repr`, what a notebook shows of it, and its programs."""

    tree: Block
    notation: Notation
    name: str
    model_type: str
    options: Mapping[str, Any]
    defaults: Mapping[str, Any]
    unit: str
    sign: str

    @property
    def ledger(self) -> Ledger:
        """Every parameter name with its symbolic shape; the formula's."""
        raise NotImplementedError

    @property
    def domain(self) -> tuple[Condition, ...]:
        """The conditions under which the formula holds; the formula's."""
        raise NotImplementedError

    def total_as(self, convention: str = "unique") -> Expr:
        """The total under *convention*; the formula's."""
        raise NotImplementedError

    def latex(self, style: str = "grouped", **look: Unpack[Look]) -> str:
        """The total in LaTeX; the formula's."""
        raise NotImplementedError

    def setting(self, **look: Unpack[Look]) -> Setting:
        """What a printer needs to know; the formula's."""
        raise NotImplementedError

    def code(self, language: str = "python", *, convention: str = "unique", name: str = "parameters") -> str:
        """A function that counts, in `python`, `c`, `javascript` or `mathematica`; or the equation in `latex`.

        The function is exact. It refuses values outside the domain, and in C numbers that 64 bits do not hold, where
        the other languages have integers of any size. A ratio (`mlp_ratio`) is an `int` or a `Fraction` in Python, and
        two integers in C and JavaScript.

        >>> import symcount as sc
        >>> print(sc.formula("gpt2").code("javascript").splitlines()[-2].strip())
        return H * (2n + L + V + N * (13n + 12n * H));

        Args:
            language: see above.
            convention: what counts.
            name: of the function.

        Raises:
            NotationError: no such language, or *name* is not an identifier.
            StructureError: the total has an operation for which the language has no exact one.
        """
        if language == "latex":
            return self.latex(convention=convention, lhs=self.setting(convention=convention).symbol)
        checked, total = check_convention(convention), self.total_as(convention)
        needed = total.free_symbols.union(*(c.symbols for c in self.domain))
        return write(
            Program(name, total, tuple(self.notation.restrict(needed)), self.domain, self._heading(checked)), language
        )

    def _heading(self, convention: Convention) -> tuple[str, ...]:
        """What a comment says of the formula."""
        kind = f" ({self.model_type})" if self.model_type else ""
        held = "; ".join(self.setting(convention=convention).holds_for)
        pinned = [f"{name} = {word(value)}" for name, value in getattr(self, "pinned", {}).items()]
        lines = [
            f"{self.unit.capitalize()} of {self.name or self.tree.kind}{kind}.",
            held,
            self._in_words(convention, 400),
        ]
        return (*lines, f"Valid where {', '.join(pinned)}.") if pinned else tuple(lines)

    def _in_words(self, convention: Convention, longest: int) -> str:
        text = f"{self.sign} = {formula_plain(self.tree, self.ledger, convention)}"
        return text if len(text) <= longest else f"{text[: longest - 2]} …"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or self.tree.kind}: {self._in_words('unique', _LINE)}>"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex(width=_WIDTH)}$"

    def _repr_html_(self) -> str:
        setting = self.setting(width=_WIDTH)
        return notebook(setting, setting.options, self.defaults)
