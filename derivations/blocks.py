"""What a worksheet is made of besides formulas and tables: headings, paragraphs, lists, pictures, and steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Expr

from symcount.errors import VerificationError
from symcount.reports.shares import Shares
from symcount.typeset.content import Math
from symcount.typeset.latex import sorted_terms
from symcount.typeset.lines import broken, indented
from symcount.typeset.numbers import digits
from symcount.typeset.setting import Setting

__all__ = ["LINE", "Heading", "Items", "Picture", "Step", "Text"]

LINE = 40.0
"""Where a displayed formula is broken, in em."""


@dataclass(frozen=True)
class Heading:
    """The title of a section."""

    title: str


@dataclass(frozen=True)
class Text:
    """A paragraph; `$…$` is mathematics, a pair of backquotes code, a pair of stars emphasis."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list of paragraphs."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """The shares of a model's parts as a size grows, drawn to a file of the worksheet's name."""

    name: str
    caption: str
    shares: Shares


@dataclass(frozen=True)
class Step:
    """One line of a derivation: what is counted, its closed form, where it comes from, what PyTorch counts there."""

    setting: Setting
    title: str
    expression: Expr
    remark: str
    where: str
    measure: Callable[[], int]
    number: int | None = None

    @property
    def count(self) -> int:
        """The expression at the model's sizes."""
        return self.setting.at(self.expression)

    @property
    def symbols(self) -> str:
        """The closed form in letters."""
        return self.setting.latex(self.expression)

    @property
    def check(self) -> str:
        """What PyTorch counts, in words.

        Raises:
            VerificationError: it counts something else.
        """
        found = self.measure()
        if found != self.count:
            raise VerificationError(
                f"{self.setting.name}, {self.title}: the step says {self.count:,}, PyTorch {found:,}"
            )
        return f"PyTorch counts {found:,} in {self.where}."

    @property
    def math(self) -> Math:
        """A displayed equation: letters, sizes, number."""
        lines = []
        for position, notation in enumerate((self.setting.notation, self.setting.in_numbers)):
            first, *rest = broken(sorted_terms(self.expression, notation), LINE)
            lines += [f"{'={}' if position else '  '} & {first[1]}"]
            lines += [rf"    & \quad {indented(*line)}" for line in rest]
        lines.append(f"={{}} & {digits(self.count)}")
        return Math("\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}")
