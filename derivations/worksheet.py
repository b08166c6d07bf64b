"""A worksheet: a model counted step by step, each step read off the formula's ledger and held against the real model.

A script says which tensors a step is about, by the names that they have in the real model; `#0` in such a name is layer
number 0 and stands for one layer. The step's closed form is added up from the ledger's symbolic shapes, its number is
that form at the worksheet's sizes, and its check is PyTorch's own count of the tensors of those names in the real
model. A sum of steps must be equal, as symbols, to what the ledger has for it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sympy import Add, Expr, expand

import symcount as sc
from derivations import real
from symcount.errors import VerificationError
from symcount.evaluate import integer_value
from symcount.formula import Formula
from symcount.pictures import Shares
from symcount.typeset.content import Count, Formulas, Math, Table
from symcount.typeset.latex import set_symbols, sorted_terms
from symcount.typeset.lines import aligned, broken, indented
from symcount.typeset.numbers import digits
from symcount.typeset.styles import compose

__all__ = ["Heading", "Items", "Picture", "Step", "Text", "Worksheet"]

_LAYER = re.compile(r"#(\d+)")
_LINE = 40.0  # em: where a displayed formula is broken
_CELL = 25.0  # em: the same in a table
_COUNTED = {
    "unique": "",
    "per_layer": ", a tensor at each layer that uses it",
    "trainable": ", frozen tensors left out",
}


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

    sheet: Worksheet
    title: str
    expression: Expr
    remark: str
    where: str
    measure: Callable[[], int]
    number: int | None = None

    @property
    def count(self) -> int:
        """The expression at the worksheet's sizes."""
        return integer_value(self.expression, self.sheet.sizes)

    @property
    def symbols(self) -> str:
        """The closed form in letters."""
        return set_symbols(self.expression, self.sheet.model.notation)

    @property
    def check(self) -> str:
        """What PyTorch counts, in words.

        Raises:
            VerificationError: it counts something else.
        """
        found = self.measure()
        if found != self.count:
            raise VerificationError(f"{self.sheet.name}, {self.title}: the step says {self.count:,}, PyTorch {found:,}")
        return f"PyTorch counts {found:,} in {self.where}."

    @property
    def math(self) -> Math:
        """A displayed equation: letters, sizes, number."""
        sheet = self.sheet
        setting = sheet.model.setting(values=sheet.sizes)
        lines = []
        for position, notation in enumerate((setting.notation, setting.in_numbers)):
            first, *rest = broken(sorted_terms(self.expression, notation), _LINE)
            lines += [f"{'={}' if position else '  '} & {first[1]}"]
            lines += [rf"    & \quad {indented(*line)}" for line in rest]
        lines.append(f"={{}} & {digits(self.count)}")
        return Math("\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}")


@dataclass
class Worksheet:
    """A derivation: call its methods in the order in which a reader is to follow.

    Attributes:
        name: of its files.
        title: its heading.
        model: the formula that is derived.
        sizes: of the published model, by letter.
        intro: the first paragraph.
        convention: what the steps count, unless they say otherwise.
        blocks: what has been written so far.
    """

    name: str
    title: str
    model: Formula
    sizes: Mapping[str, int]
    intro: str
    convention: str = "unique"
    blocks: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        setting = self.model.setting(values=self.sizes)
        self.blocks += [Text(self.intro), compose(setting, "notation")]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps so far."""
        return tuple(block for block in self.blocks if isinstance(block, Step))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures so far."""
        return tuple(block for block in self.blocks if isinstance(block, Picture))

    @cached_property
    def real(self) -> Any:
        """The real model at the worksheet's sizes."""
        return real.build(self.model, self.sizes)

    # ---------------------------------------------------------------- numbers

    def at(self, expression: Expr) -> str:
        """An expression at the worksheet's sizes, for a text: `109,112,880`."""
        return f"{integer_value(expression, self.sizes):,}"

    def total(self, convention: str = "unique", **changed: int) -> int:
        """The total at the worksheet's sizes but for those *changed*, which a real model of these sizes confirms.

        Raises:
            VerificationError: it does not.
        """
        sizes = {**self.sizes, **changed}
        found = self.model.count(**sizes, convention=convention)
        counted = real.counted(real.build(self.model, sizes), "*", convention=convention)
        if counted != found:
            raise VerificationError(f"{self.name} at {changed}: the formula says {found:,}, PyTorch {counted:,}")
        return found

    def buffers(self, pattern: str = "*") -> int:
        """How many numbers the real model keeps in buffers, which are no parameters."""
        return real.buffers(self.real, pattern)

    def ledger(self, where: str, kind: str | None = None, convention: str | None = None) -> Expr:
        """What the tensors hold whose names fit one of the patterns in *where*, as symbols; see the module."""
        patterns = [(_LAYER.sub("[*]", pattern), "#" in pattern) for pattern in where.split()]
        groups: dict[Expr, list[Expr]] = defaultdict(list)
        for pattern, one in patterns:
            for row in self.model.ledger.select(pattern, kind):
                times = self.model.ledger.counted(row, convention or self.convention)
                groups[times / row.repeat if one else times].append(row.size)
        return Add(*(times * Add(*sizes) for times, sizes in groups.items()))

    # ---------------------------------------------------------------- steps

    def part(
        self,
        title: str,
        where: str,
        remark: str,
        *,
        kind: str | None = None,
        convention: str | None = None,
        numbered: bool = True,
    ) -> Expr:
        """Count the tensors whose names fit one of the patterns in *where*; returns the closed form."""
        return self.sum(
            title, None, where, remark, kind=kind, convention=convention, numbered=numbered
        )

    def sum(
        self,
        title: str,
        expression: Expr | None,
        where: str,
        remark: str,
        *,
        kind: str | None = None,
        convention: str | None = None,
        numbered: bool = True,
    ) -> Expr:
        """Put steps together: *expression* is what the tensors of *where* must hold; returns it.

        Raises:
            VerificationError: the ledger has something else for them.
        """
        how = convention or self.convention
        shown = self.same(title, expression, self.ledger(where, kind, how))
        patterns = [_LAYER.sub(r"\1", pattern) for pattern in where.split()]
        named = "the whole model" if where == "*" else ", ".join(f"`{pattern}`" for pattern in patterns)
        place = f"the `{kind}` layers of {named}" if kind else named
        if named == "the whole model" and not kind:
            place += _COUNTED[how]
        return self.step(
            title, shown, remark, place, lambda: real.counted(self.real, patterns, kind, how), numbered=numbered
        )

    def used(
        self,
        title: str,
        where: str,
        remark: str,
        place: str,
        measure: Callable[[], int],
        expression: Expr | None = None,
    ) -> Expr:
        """Count what one token uses of the tensors of *where*; *measure* finds it out in another way, *place* says how.

        Raises:
            VerificationError: *expression*, put together from steps, is not what the ledger has.
        """
        found = self.ledger(where, convention="active")
        return self.step(title, self.same(title, expression, found), remark, place, measure)

    def same(self, title: str, expression: Expr | None, found: Expr) -> Expr:
        """*expression*, which must be what the ledger has *found*, and is that where it is not given.

        Raises:
            VerificationError: it is something else.
        """
        if expression is None:
            return found
        if expand(expression - found) != 0:
            raise VerificationError(f"{self.name}, {title}: {expression} is put together, but the ledger has {found}")
        return expression

    def step(
        self,
        title: str,
        expression: Expr,
        remark: str,
        where: str,
        measure: Callable[[], int],
        *,
        numbered: bool = True,
    ) -> Expr:
        """Any step: *measure* counts in the real model what it says, *where* says in which tensors."""
        number = 1 + sum(step.number is not None for step in self.steps) if numbered else None
        self.blocks.append(Step(self, title, expression, remark, where, measure, number))
        return expression

    # ---------------------------------------------------------------- text

    def heading(self, title: str) -> None:
        """Begin a section."""
        self.blocks.append(Heading(title))

    def text(self, text: str) -> None:
        """Write a paragraph."""
        self.blocks.append(Text(text))

    def items(self, *items: str) -> None:
        """Write a list."""
        self.blocks.append(Items(items))

    def formula(self) -> None:
        """The whole formula, grouped as the model is built, where it holds, and its check tensor by tensor."""
        setting = self.model.setting(width=f"{_LINE}em")
        self.heading("The formula")
        self.text("In the order of the model, each stack of layers as a factor:")
        terms = self.model.latex(width=f"{_LINE}em")
        self.blocks.append(Math(f"P = {terms}"))
        if setting.conditions:
            self.text(f"It holds where {', '.join(f'${c}$' for c in setting.conditions)}.")
        report = sc.verify(self.model, **self.sizes)
        report.raise_for_difference()
        self.text(
            f"Built by transformers at these sizes, `{self.model.name}` has {len(report.tensors):,} named tensors. "
            "Each has the shape that the formula gives it, those that share memory share it in the formula too, and "
            f"the totals agree: {self.model.count(**self.sizes):,} parameters."
        )

    def published(self, shown: Sequence[str], rows: Iterable[tuple[str, Mapping[str, int], str]], source: str) -> None:
        """A table of published sizes: the counts, each confirmed by a real model, beside what *source* says."""
        notation = self.model.notation
        heads = [(f"{notation[letter].field}", "right") for letter in shown]
        cells = []
        for name, changed, quoted in rows:
            sizes = {**self.sizes, **changed}
            cells.append((name, *(Count(sizes[letter]) for letter in shown), Count(self.total(**changed)), quoted))
        columns = (("Model", "left"), *heads, ("Parameters", "right"), (source, "right"))
        self.blocks.append(Table(columns, cells))

    def picture(self, symbol: str, caption: str, *, along: Sequence[str] = (), sizes: Iterable[int] | None = None) -> None:
        """Draw where the parameters are as *symbol* grows."""
        self.heading("Where the parameters are")
        shares = sc.shares(self.model, symbol, sizes, along=along, values=self.sizes)
        self.blocks.append(Picture(self.name, caption, shares))

    def glance(self) -> None:
        """All steps as a table."""
        self.heading("The steps at a glance")
        notation = self.model.notation
        rows = [
            (s.title, Formulas((aligned(broken(sorted_terms(s.expression, notation), _CELL)),)), Count(s.count))
            for s in self.steps
        ]
        self.blocks.append(Table((("Step", "left"), ("Formula", "left"), ("Parameters", "right")), rows))
