"""What a formula shows of itself: typeset, in a console, in a notebook, and as a program in another language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from sympy import Expr

from symcount.code.languages import write
from symcount.code.program import Program
from symcount.core.domain import Condition
from symcount.core.ledger import Convention, Ledger, check_convention
from symcount.core.notation import Notation
from symcount.core.tree import Block
from symcount.core.values import by_letter
from symcount.foreign import guarded_methods
from symcount.typeset.latex import set_symbols
from symcount.typeset.look import Look, check_look, checked_label, checked_lhs, word
from symcount.typeset.measure import em
from symcount.typeset.notebook import notebook
from symcount.typeset.numbers import check_numbers
from symcount.typeset.plain import formula_plain
from symcount.typeset.presets import with_symbols
from symcount.typeset.said import holds_for
from symcount.typeset.setting import Setting
from symcount.typeset.targets import render

__all__ = ["Shown"]

_WIDTH = "6.5in"  # of a formula in a notebook
_LINE = 100  # characters of a formula in a console


@guarded_methods
class Shown:
    """A formula typeset, its `repr`, what a notebook shows of it, and its programs."""

    tree: Block
    notation: Notation
    name: str
    model_type: str
    options: Mapping[str, Any]
    defaults: Mapping[str, Any]
    pinned: Mapping[str, Any]
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

    def values(self, given: Mapping[str, Any], convention: str = "unique") -> dict[str, Any]:
        """Exact values by letter; the formula's."""
        raise NotImplementedError

    def latex(self, style: str = "grouped", **look: Unpack[Look]) -> str:
        r"""The total in LaTeX, in the order of the model, the layers as `N(…)`.

        Args:
            style: `grouped`, `compact`, `expanded`, `annotated`, `steps`, `table`, `leading` or `notation`; see
                `symcount.typeset.styles`.
            look: convention, letters, numbers, sizes and width; see `symcount.typeset.setting.Look`.

        Raises:
            NotationError: no such style, preset or way to write numbers, or two symbols would be typeset alike.
            ConventionError, MissingSymbolError, DomainError: as for `total_as` and `count`.

        >>> import symcount as sc
        >>> print(sc.formula("gpt2").latex(symbols={"H": "d", "V": r"\nu"}))
        \nu d + Ld + N(12d^2 + 13d) + 2d
        """
        return self.typeset("latex", style, **look)

    def typeset(self, to: str = "latex", style: str = "grouped", **look: Unpack[Look]) -> str:
        """The total in *style* as LaTeX, a whole document, Markdown, HTML, text …; see `symcount.typeset.targets`.

        Raises:
            NotationError: see `latex`; or no such target.
        """
        return render(self.setting(**look), style, to)

    def setting(self, **look: Unpack[Look]) -> Setting:
        """What a printer needs to know: this formula, and how it is to look.

        Raises:
            NotationError, ConventionError, UnknownSymbolError: see `latex`.
        """
        check_look(look)
        convention, width = check_convention(look.get("convention", "unique")), look.get("width")
        defaults = {letter: value for letter, value in self.defaults.items() if letter in self.notation}
        given = by_letter(self.notation, look.get("values") or {})
        return Setting(
            self.name or self.tree.kind,
            self.model_type,
            self.tree,
            self.ledger,
            convention,
            with_symbols(self.notation, look.get("notation"), look.get("symbols")),
            self.domain,
            options=self.deciding,
            made=self.made_of,
            pinned=self.pinned,
            sizes=lambda: self.values({**defaults, **given}, convention),
            numbers=check_numbers(look.get("numbers", "comma")),
            width=None if width is None else em(width),
            equation=look.get("lhs") is not None or look.get("label") is not None,
            lhs=checked_lhs(look.get("lhs")),
            label=checked_label(look.get("label")),
            prefix=look.get("prefix"),
            unit=self.unit,
            sign=self.sign,
        )

    @property
    def deciding(self) -> Mapping[str, Any]:
        """Those of the options at whose other value the formula is another one."""
        return self.options

    @property
    def made_of(self) -> tuple[str, ...]:
        """The packages whose models the formula is of, with their versions; none where it is composed."""
        return ()

    def domain_text(self) -> str:
        """The domain in words, with the fields that are kept at one value: `valid when A divides H`."""
        kept = [f"{name} = {value}" for name, value in self.pinned.items()]
        said = [*map(str, self.domain), *kept]
        return f"valid when {' and '.join(said)}" if said else "valid for all positive integers"

    def set_symbols(self, expression: Expr) -> str:
        """Typeset any expression in this formula's notation."""
        return set_symbols(expression, self.notation)

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
        held = "; ".join(holds_for(self.setting(convention=convention)))
        pinned = [f"{name} = {word(value)}" for name, value in self.pinned.items()]
        lines = [
            f"{self.unit.capitalize()} of {self.name or self.tree.kind}{kind}.",
            held,
            self._in_words(convention, 400),
        ]
        return (*lines, f"Valid where {', '.join(pinned)}.") if pinned else tuple(lines)

    def _in_words(self, convention: Convention, longest: int) -> str:
        text = f"{self.sign} = {formula_plain(self.tree, self.ledger, convention)}"
        return text if len(text) <= longest else f"{text[: longest - 2]} …"

    def __str__(self) -> str:
        return f"{self.name or self.tree.kind} = {self.total_as()}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or self.tree.kind}: {self._in_words('unique', _LINE)}>"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex(width=_WIDTH)}$"

    def _repr_html_(self) -> str:
        setting = self.setting(width=_WIDTH)
        return notebook(setting, setting.options, self.defaults)
