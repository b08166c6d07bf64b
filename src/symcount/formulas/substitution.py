"""What may stand for a symbol, and whose symbol a name means: the formula's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, Self

from sympy import Expr, Integer, Rational, Symbol

from symcount.core.domain import relation
from symcount.core.notation import Notation
from symcount.core.values import title
from symcount.errors import DomainError, UnknownSymbolError
from symcount.expressions.reader import read_expression

__all__ = ["Substitution", "own", "replacements"]


class Substitution:
    """What a formula does with names, texts and symbols that mean its own."""

    notation: Notation

    def total_as(self, convention: str = "unique") -> Expr:
        """The total under *convention*; the formula's."""
        raise NotImplementedError

    def symbol(self, name: str | Symbol) -> Symbol:
        """The formula's own symbol for a letter or config field: what SymPy's functions need instead of a string.

        >>> import symcount as sc
        >>> f = sc.formula("gpt2")
        >>> f.total.subs(f.symbol("n_layer"), 0)
        H*L + H*V + 2*H

        Raises:
            UnknownSymbolError: the formula has no such letter or field.
        """
        return self.notation[name].symbol

    def read(self, text: str) -> Expr:
        """The expression that *text* says, in the formula's own symbols.

        >>> import symcount as sc
        >>> sc.formula("gpt2").read("4 * n_embd + N // 2")
        4*H + floor(N/2)

        Raises:
            ExpressionError: not an expression of numbers, symbols, `+ - * / // % **`, `floor`, `ceil`, `min`, `max` …
            UnknownSymbolError: a name that the formula does not have.
        """
        return read_expression(text, self.notation)

    def own(self, expression: Expr) -> Expr:
        """*expression* with the formula's own symbols where it has others of the same names, as `Symbol("H")` is."""
        return own(expression, self.notation)

    def substitute(
        self, values: Mapping[Any, Any] | None = None, /, *, convention: str = "unique", **named: Any
    ) -> Expr:
        """The total with some symbols replaced, all at once and exactly.

        SymPy's own `f.total.subs({"H": 768})` makes a new symbol of the string, which the formula does not have, and so
        replaces nothing. Here names and texts mean the formula's own symbols.

        >>> import symcount as sc
        >>> f = sc.formula("gpt2")
        >>> f.substitute(H="64 * A", V=50257)
        64*A*L + 3216576*A + N*(49152*A**2 + 832*A)

        Args:
            values: by letter, config field or symbol: integers, fractions, expressions, or text such as `"H/A"`.
            convention: what counts.
            named: the same by keyword.

        Raises:
            UnknownSymbolError: a name that the formula does not have.
            ExpressionError: a text that is not an expression.
            DomainError: a value that is not exact, or two of them for one symbol.
        """
        found = replacements(self.notation, [*(values or {}).items(), *named.items()], self.read)
        return self.total_as(convention).subs(found, simultaneous=True)

    subs = substitute  # by the name that it has in SymPy

    def related(self, values: Mapping[Any, Any] | None = None, /, **named: Any) -> Self:
        """The formula where some sizes are always made of others, as `I = 4H`: shorter, and valid only there.

        >>> import symcount as sc
        >>> f = sc.formula("BertModel").related(I="4*H")
        >>> print(f.latex())
        VH + LH + TH + 2H + N(12H^2 + 13H) + H^2 + H
        >>> f.domain_text()
        'valid when A divides H and I = 4*H'
        >>> f.count(V=30522, L=512, T=2, N=12, A=12, H=768)
        109482240

        Args:
            values: by letter, config field or symbol, what it is: an integer, an expression, or its text.
            named: the same by keyword.

        Raises:
            UnknownSymbolError, ExpressionError, DomainError: see `substitute`; or a size is made of one that is itself
                made of others.
        """
        found = replacements(self.notation, [*(values or {}).items(), *named.items()], self.read)
        for symbol, expression in found.items():
            if circular := sorted(s.name for s in expression.free_symbols & set(found)):
                raise DomainError(f"{symbol} = {expression}: {', '.join(circular)} is made of others too; write it out")

        def changed(size: Expr) -> Expr:
            return size.subs(found, simultaneous=True)

        shown: Any = self
        letters = {symbol.name for symbol in found}
        conditions = [c.mapped(changed) for c in shown.conditions]
        rules = {n: changed(rule) for n, rule in shown.filled.items() if n not in letters}
        rules |= {symbol.name: expression for symbol, expression in found.items()}
        made: Self = replace(
            shown,
            tree=shown.tree.mapped(changed),
            conditions=(*conditions, *(relation(symbol, "==", expression) for symbol, expression in found.items())),
            filled=rules,
            defaults={n: value for n, value in shown.defaults.items() if n not in letters},
        )
        return made


def own(expression: Expr, notation: Notation) -> Expr:
    """*expression* with the symbols of *notation* in the place of others that have the same names.

    Other symbols stay as they are.

    >>> from symcount.core.notation import Notation, entry
    >>> H = entry("H")
    >>> own(Symbol("H") + Symbol("x"), Notation((H,))) - H.symbol
    x
    """
    letters = {e.letter: e.symbol for e in notation}
    found = {s: letters[s.name] for s in expression.free_symbols if isinstance(s, Symbol) and s.name in letters}
    return expression.xreplace({s: mine for s, mine in found.items() if s != mine})


def replacements(
    notation: Notation, given: Iterable[tuple[Any, Any]], read: Callable[[str], Expr]
) -> dict[Symbol, Expr]:
    """By symbol, the exact expression that stands for it; *read* reads those that are texts.

    Raises:
        UnknownSymbolError, DomainError: see `Formula.substitute`.
    """
    found: dict[Symbol, Expr] = {}
    for name, value in given:
        if not isinstance(name, str | Symbol):
            raise UnknownSymbolError(f"symbol {name!r:.80}: expected a letter, a config field or a symbol")
        entry = notation[name]
        expression = _exact(title(entry), value, notation, read)
        if found.setdefault(entry.symbol, expression) != expression:
            other = found[entry.symbol]
            raise DomainError(f"{title(entry)} is given twice: {other} and {expression}; give it once")
    return found


def _exact(name: str, value: Any, notation: Notation, read: Callable[[str], Expr]) -> Expr:
    match value:
        case bool():
            pass
        case str():
            return read(value)
        case int():
            return Integer(value)
        case Fraction():
            return Rational(value.numerator, value.denominator)
        case Expr() if not value.is_Float:
            return own(value, notation)
    raise DomainError(f'{name}: expected an integer, a fraction, an expression or its text ("H/64"), got {value!r:.80}')
