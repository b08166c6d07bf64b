"""A worksheet: a model counted step by step, each step read off the formula's ledger and held against the real model.

A script says which tensors a step is about, by their names in the real model (`derivations.where`). The step's closed
form is added up from the ledger's symbolic shapes, its number is that form at the worksheet's sizes, and its check is
PyTorch's own count of the tensors of those names. A sum of steps must be equal, as symbols, to what the ledger has
for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sympy import Expr, expand

import symcount as sc
from derivations import real
from derivations.blocks import LINE, Heading, Items, Picture, Step, Text
from derivations.where import Where
from symcount.core.ledger import check_convention
from symcount.errors import VerificationError
from symcount.formulas.formula import Formula
from symcount.typeset.arrangement import arrange
from symcount.typeset.content import Count, Formulas, Math, Table
from symcount.typeset.latex import sorted_terms, terms_of
from symcount.typeset.lines import aligned, broken, indented
from symcount.typeset.setting import Setting
from symcount.typeset.styles import compose

__all__ = ["Worksheet"]

_CELL = 25.0  # em: where a formula in a table is broken


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
        self.blocks += [Text(self.intro), compose(self.setting, "notation")]

    @cached_property
    def setting(self) -> Setting:
        """The model in its letters, at the worksheet's sizes."""
        return self.model.setting(values=self.sizes)

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
        return f"{self.setting.at(expression):,}"

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

    # ---------------------------------------------------------------- steps

    def part(self, title: str, where: str, remark: str, **how: Any) -> Expr:
        """Count the tensors whose names fit one of the patterns in *where*; returns the closed form. See `sum`."""
        return self.sum(title, None, where, remark, **how)

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

        Args:
            title: of the step.
            expression: made of the closed forms of earlier steps; `None` takes what the ledger has.
            where: patterns for the names of tensors, with spaces between them.
            remark: where the expression comes from.
            kind: only tensors of layers of this type.
            convention: what counts, if not what the worksheet counts.
            numbered: with a heading of its own.

        Raises:
            VerificationError: the ledger has something else for them.
        """
        place, how = Where(where, kind), check_convention(convention or self.convention)
        shown = self._same(title, expression, place.held(self.model, how))
        return self._step(
            title, shown, remark, place.words(how), lambda: real.counted(self.real, place.real, kind, how), numbered
        )

    def used(self, title: str, where: str, remark: str, *, expression: Expr | None = None, router: str = "") -> Expr:
        """What one token uses of the tensors of *where*, checked by a real model that has no more than k experts.

        Args:
            title: of the step.
            where: patterns for the names of tensors.
            remark: where the expression comes from.
            expression: made of earlier steps; `None` takes what the ledger has.
            router: a pattern for the routers among those tensors: their rows for the other experts are used as well.

        Raises:
            VerificationError: the ledger has something else.
        """
        place = Where(where)
        shown = self._same(title, expression, place.held(self.model, "active"))

        def measure() -> int:
            few = real.build(self.model, {**self.sizes, "E": self.sizes["k"]})
            rows = real.counted(self.real, [router]) - real.counted(few, [router])
            return real.counted(few, place.real) + rows

        words = f"{place.words('unique')}, of a model with $E = k$"
        return self._step(
            title, shown, remark, words + (", and in the rows its routers lack" if router else ""), measure
        )

    def _same(self, title: str, expression: Expr | None, found: Expr) -> Expr:
        """*expression*, which must be what the ledger has *found*, and is that where it is not given.

        Raises:
            VerificationError: it is something else.
        """
        if expression is None:
            return found
        if expand(expression - found) != 0:
            raise VerificationError(f"{self.name}, {title}: {expression} is put together, but the ledger has {found}")
        return expression

    def _step(
        self, title: str, shown: Expr, remark: str, place: str, measure: Callable[[], int], numbered: bool = True
    ) -> Expr:
        number = 1 + sum(step.number is not None for step in self.steps) if numbered else None
        self.blocks.append(Step(self.setting, title, shown, remark, place, measure, number))
        return shown

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
        self.heading("The formula")
        self.text("In the order of the model, each stack of layers as a factor:")
        arranged = arrange(self.model.tree, self.model.ledger, "unique")
        lines = [indented(*line) for line in broken(terms_of(arranged, self.model.notation), LINE)]
        whole = " \\\\\n & ".join(lines)
        self.blocks.append(Math(f"\\begin{{aligned}}\n{self.setting.symbol} ={{}} & {whole}\n\\end{{aligned}}"))
        if self.setting.conditions:
            self.text(f"It holds where {', '.join(f'${c}$' for c in self.setting.conditions)}.")
        report = sc.verify(self.model, **self.sizes)
        report.raise_for_difference()
        self.text(
            f"Built by transformers at these sizes, `{self.model.name}` has {len(report.tensors):,} named tensors. "
            "Each has the shape that the formula gives it, those that share memory share it in the formula too, and "
            f"the totals agree: {self.model.count(**self.sizes):,} parameters."
        )

    def published(self, shown: Sequence[str], rows: Iterable[tuple[str, Mapping[str, int], str]], source: str) -> None:
        """A table of published sizes: the counts, each confirmed by a real model, beside what *source* says."""
        heads = [(letter, "right") for letter in shown]
        cells = []
        for name, changed, quoted in rows:
            sizes = {**self.sizes, **changed}
            cells.append((name, *(Count(sizes[letter]) for letter in shown), Count(self.total(**changed)), quoted))
        columns = (("Model", "left"), *heads, ("Parameters", "right"), (source, "right"))
        self.blocks.append(Table(columns, cells))

    def picture(
        self, symbol: str, caption: str, *, along: Sequence[str] = (), sizes: Iterable[int] | None = None
    ) -> None:
        """Draw where the parameters are as *symbol* grows and others *along* with it; what the config fills follows."""
        self.heading("Where the parameters are")
        filled = self.model.filled.keys() - set(along)
        values = {letter: size for letter, size in self.sizes.items() if letter not in filled}
        shares = sc.shares(self.model, symbol, sizes, along=along, values=values)
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
