"""What SymPy does with a formula's total: other forms of it, derivatives, differences, leading terms."""

from __future__ import annotations

from sympy import Derivative, Expr, Subs, Symbol, cancel, collect, expand, factor

from symcount.errors import DomainError
from symcount.foreign import guarded_methods
from symcount.formulas.substitution import Substitution
from symcount.typeset.leading import leading_terms

__all__ = ["Algebra"]


@guarded_methods
class Algebra(Substitution):
    """A formula's total in other forms, and how it changes."""

    def difference(self, first: str, second: str) -> Expr:
        """`total_as(first) - total_as(second)`, expanded: what two conventions disagree about."""
        return expand(self.total_as(first) - self.total_as(second))

    def expanded(self, convention: str = "unique") -> Expr:
        """The total multiplied out."""
        return expand(self.total_as(convention))

    def simplified(self, convention: str = "unique") -> Expr:
        """The total with common factors cancelled and terms merged."""
        return cancel(expand(self.total_as(convention)))

    def collected(self, symbol: str, convention: str = "unique") -> Expr:
        """The total as a polynomial in one symbol."""
        return collect(self.expanded(convention), self.symbol(symbol))

    def factored(self, convention: str = "unique") -> Expr:
        """The total as a product where it is one."""
        return factor(self.total_as(convention))

    def diff(self, symbol: str | Symbol, convention: str = "unique") -> Expr:
        """The partial derivative of the total with respect to *symbol*.

        Raises:
            DomainError: the total is rounded in *symbol*, so it has none.
        """
        found = self.total_as(convention).diff(self.symbol(symbol))
        if found.has(Derivative, Subs):
            letter = self.symbol(symbol).name
            raise DomainError(
                f"the total rounds in {letter} and has no derivative; ask for a difference: step({letter!r})"
            )
        return found

    def step(self, symbol: str | Symbol, by: int = 1, convention: str = "unique") -> Expr:
        """The finite difference: what *by* more of *symbol* costs. For a depth: the price of a layer."""
        total, s = self.total_as(convention), self.symbol(symbol)
        return expand(total.subs(s, s + by) - total)

    def elasticity(self, symbol: str | Symbol, convention: str = "unique") -> Expr:
        """`x/P · dP/dx`: by how many percent the total grows when *symbol* grows by one percent."""
        s = self.symbol(symbol)
        return cancel(s * self.diff(s, convention) / self.total_as(convention))

    def leading(self, *symbols: str, convention: str = "unique") -> Expr:
        """The terms of highest degree: what is left of the total in a very large model.

        Args:
            symbols: the symbols that grow; by default widths and depths.
            convention: what counts.

        >>> import symcount as sc
        >>> sc.formula("gpt2").leading()
        12*H**2*N
        >>> sc.formula("LlamaModel").leading()
        H*N*(2*D*(A + K) + 3*I)
        """
        grow = [self.symbol(s) for s in symbols] or [e.symbol for e in self.notation if e.scales]
        return leading_terms(self.total_as(convention), grow)
