"""What a program counts: expressions of letters, conditions on them, and what is to be said of both."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sympy import Expr, Symbol

from symcount.code.integers import BOTTOM, TOP
from symcount.code.language import Language
from symcount.core.domain import Condition
from symcount.core.notation import Entry
from symcount.errors import NotationError

__all__ = ["Program", "commented", "described", "identifiers", "spoken", "used"]


@dataclass(frozen=True)
class Program:
    """A function to be written.

    Attributes:
        name: of the function.
        total: what it gives.
        letters: its arguments, in their order.
        conditions: under which it gives anything.
        heading: lines of a comment that say what is counted.
    """

    name: str
    total: Expr
    letters: tuple[Entry, ...]
    conditions: tuple[Condition, ...]
    heading: tuple[str, ...]

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and self.name.isidentifier() and self.name.isascii()):
            raise NotationError(f"function name {self.name!r:.80}: expected an identifier such as parameters")
        object.__setattr__(self, "heading", tuple(map(commented, self.heading)))

    @property
    def ratios(self) -> frozenset[str]:
        """The letters that stand for ratios."""
        return frozenset(e.letter for e in self.letters if e.rational)

    @property
    def needed(self) -> frozenset[str]:
        """The letters of the total; others only have conditions to meet."""
        return frozenset(s.name for s in self.total.free_symbols if isinstance(s, Symbol))

    def arguments(self) -> tuple[Entry, ...]:
        """The letters of the total, then those that only conditions speak of."""
        return tuple(sorted(self.letters, key=lambda e: e.letter not in self.needed))


def commented(line: str) -> str:
    """*line* for a comment, which it can end in none of the languages: names and options are other people's text.

    >>> commented("a */ b (* c *)")
    'a * / b ( * c * )'
    """
    shown = "".join(c if c.isprintable() else " " for c in line).replace("\\", "/").replace('"', "'")
    return shown.replace("*/", "* /").replace("(*", "( *").replace("*)", "* )")


def identifiers(names: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """A name for each of *names* that is not *taken*, by an underscore at its end.

    >>> identifiers(["H", "lambda"], {"lambda"})
    {'H': 'H', 'lambda': 'lambda_'}
    """
    wanted = list(names)
    found: dict[str, str] = {}
    for name in wanted:
        shown = name
        while shown in taken or (shown != name and shown in wanted) or shown in found.values():
            shown += "_"
        found[name] = shown
    return found


def spoken(language: Language, names: Mapping[str, str], ratios: Collection[str] = ()) -> Language:
    """*language* with its letters under the names that they have in a program."""

    def letter(name: str) -> str:
        for ending in (TOP, BOTTOM):
            if name.endswith(ending) and (stem := name.removesuffix(ending)) in names:
                return names[stem] + ending
        return names[name]

    return replace(language, letter=letter, ratios=frozenset(ratios))


def described(letters: Sequence[Entry], names: Mapping[str, str]) -> list[str]:
    """A line for each letter: `H: hidden_size, hidden size`."""
    lines = []
    for e in letters:
        kind = "a ratio" if e.rational else f"an integer of at least {e.minimum}"
        lines.append(commented(f"{names[e.letter]}: {e.field}, {e.meaning}; {kind}"))
    return lines


def used(helpers: Mapping[str, str], text: str) -> list[str]:
    """The sources of the *helpers* that *text* calls, and of those that they call, in their order."""
    found: set[str] = set()
    todo = [text]
    while todo:
        now = todo.pop()
        new = {name for name in helpers if name not in found and re.search(rf"\b{name}\(", now)}
        found |= new
        todo += [helpers[name] for name in new]
    return [source for name, source in helpers.items() if name in found]
