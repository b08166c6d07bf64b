"""What is asked: a model, values for its symbols, and options of its structure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any

import typer

from symcount.architectures import find, names
from symcount.atlas.counting import counter
from symcount.atlas.store import atlas
from symcount.cli.output import note, number, printable
from symcount.config.config import Config, read
from symcount.config.files import looks_like_path
from symcount.config.releases import installed
from symcount.core.notation import Entry, canonical
from symcount.core.paths import with_values
from symcount.core.values import title
from symcount.diagnostics import Note, refuse, teller
from symcount.diagnostics.of_formula import TIED, notes_on
from symcount.errors import DomainError, OptionError, UnknownModelError
from symcount.foreign import guarded
from symcount.formulas.formula import Formula
from symcount.lookup import formula as formula_of

__all__ = [
    "ConventionOption",
    "Json",
    "Options",
    "Source",
    "Subject",
    "Values",
    "choices",
    "is_number",
    "load",
    "option_of",
    "pairs",
    "told",
    "value_of",
]


def completed(incomplete: str) -> list[str]:
    """The names of models that begin so, for a shell."""
    stored = atlas()
    known = [*names(), *(stored.names if stored is not None else ())]
    return sorted({name for name in known if name.startswith(incomplete)})


Source = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A class name, a model type, or a config.json.", autocompletion=completed),
]
Values = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="NAME=NUMBER", help="A value, by letter or config field. Repeatable."),
]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", "-o", metavar="NAME=VALUE", help="An option of the structure: true, false or null."),
]
ConventionOption = Annotated[
    str,
    typer.Option("--convention", "-c", help="What counts: unique, per_layer, non_embedding, active or trainable."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]

_INTEGER = re.compile(r"[+-]?(\d+(_\d+)*|\d{1,3}(,\d{3})+)\Z", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?\Z", re.ASCII)
_WORD = re.compile(r"[A-Za-z][\w-]{0,79}\Z", re.ASCII)
_LONGEST = 400  # digits of a value: far beyond any model, and short enough that every count can be printed


@dataclass(frozen=True)
class Subject:
    """A formula, and the numbers at which it is wanted.

    Attributes:
        source: as it was written on the command line.
        formula: for the options that were asked for, or that the config chooses.
        config: what the config file says; empty for a model's name.
        overrides: single values, by letter.
        notes: what is to be told beside the numbers.
        made: letters that are always made of others.
        release: of transformers, of whose class the formula is.
        signs: what an author writes for a letter, as text.
        further: numbers of config fields that the parameters do not depend on.
    """

    source: str
    formula: Formula
    config: Config
    overrides: Mapping[str, Any]
    notes: Sequence[Note] = ()
    made: frozenset[str] = frozenset()
    release: str = ""
    signs: Mapping[str, str] = field(default_factory=dict)
    further: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def given(self) -> dict[str, Any]:
        """By letter: single values, then the config's, then the class's defaults; none that follows from others."""
        given = {**self.formula.given(self.config, self.overrides.keys()), **self.overrides}
        return {k: v for k, v in given.items() if k not in self.made or k in self.stated}

    def values(self, convention: str = "unique") -> dict[str, Any]:
        """The same with those that are filled in from others, checked against the domain."""
        return self.formula.values(self.given, convention)

    def count(self, convention: str = "unique") -> int:
        """The exact number of parameters.

        Raises:
            SymcountError: see `Formula.count`.
            DomainError: the number is so long that Python refuses to print it.
        """
        return printable(self.formula.count(self.config, convention=convention, **self.overrides), self.source)

    @cached_property
    def stated(self) -> set[str]:
        """The letters whose values were asked for, rather than left to the defaults."""
        if self.formula.origin == "derived":  # its config class fills in what is left out
            names = {canonical(name) for name in self.config.fields}
            asked = {
                e.letter
                for e in self.formula.notation
                if canonical(e.field.partition(".")[0].partition("[")[0]) in names
            }
            return {*asked, *self.overrides}
        return {*replace(self.formula, defaults={}).bound(self.config), *self.overrides}

    def defaults_note(self, convention: str = "unique") -> str:
        """Which defaults a number rests on; empty if on none."""
        used = self.formula.total_as(convention).free_symbols
        left = {k: v for k, v in self.values(convention).items() if k in self.given and k not in self.stated}
        shown = [
            f"{title(e)} = {number(left[e.letter])}"
            for e in self.formula.notation
            if e.letter in left and e.symbol in used
        ]
        return f"defaults of {self.formula.name}: {', '.join(shown)}" if shown else ""


@guarded
def load(
    source: str | Config,
    values: Sequence[str] | None = None,
    options: Sequence[str] | None = None,
    version: str = "",
    *,
    strict: bool = False,
    further: bool = False,
) -> Subject:
    """Resolve what was asked for.

    Args:
        source: a model's name, or a config file.
        values: `NAME=NUMBER` for single symbols.
        options: `NAME=VALUE` for the structure.
        version: of transformers, of whose class it is to be; by default see `count`.
        strict: whether a config that may mean something else is refused.
        further: whether there may be whole numbers for fields that the parameters do not depend on.

    Raises:
        SymcountError: an unknown model, symbol or option, a bad value, or a bad config.
    """
    chosen = choices(options)
    given = pairs(values or (), "-s", "hidden_size=768")
    if isinstance(source, Config) or looks_like_path(source):
        read_config = read(source)
        config = replace(read_config, fields=with_values(read_config.fields, chosen))
        wanted: Any = config
    else:
        config, wanted = Config(with_values({}, chosen), source), source
    formula = formula_of(wanted, transformers=version, **chosen)
    if optional := _optional(formula, given):
        # a field that may be null becomes a symbol as soon as it has a value
        formula = formula_of(wanted, transformers=version, **{**chosen, **optional})
        config = replace(config, fields={**config.fields, **optional})
    overrides: dict[str, Any] = {}
    others: dict[str, int] = {}
    for name, text in given:
        if further and name not in formula.notation and text.replace(",", "").isdecimal():
            others[name] = int(text.replace(",", ""))
            continue
        entry = formula.notation[name]
        value = value_of(entry, text)
        if overrides.setdefault(entry.letter, value) != value:
            raise DomainError(f"{title(entry)} is given twice: {overrides[entry.letter]} and {value}; give it once")
    notes = _notes(config, chosen, formula) if isinstance(source, Config) or looks_like_path(source) else []
    if strict:
        refuse(notes, config.source)
    return Subject(config.source, formula, config, overrides, notes, release=_release(formula, version), further=others)


def _release(formula: Formula, version: str) -> str:
    """The release of transformers of which a formula is; those that are composed by hand hold for all of them."""
    stored = counter(version)
    known = "" if stored is None else stored.atlas.release
    return str(getattr(formula, "release", known if formula.origin == "composed" else installed() or known))


def choices(options: Sequence[str] | None) -> dict[str, bool | int | str | None]:
    """The options of the structure, each `NAME=VALUE`.

    Raises:
        OptionError, DomainError: one is malformed.
    """
    return {name: option_of(name, text) for name, text in pairs(options or (), "-o", "tie_word_embeddings=false")}


def _notes(config: Config, chosen: Mapping[str, Any], formula: Formula) -> list[Note]:
    """The notes on a file; where it was asked that the head is not tied, that was followed."""
    fields = {k: v for k, v in config.fields.items() if k != TIED or k not in chosen}
    return notes_on(replace(config, fields=fields), formula, teller())


def told(subject: Subject, heeded: str = "") -> None:
    """Write the notes on what was asked for, but those on a field that is *heeded*."""
    for remark in subject.notes:
        if heeded and remark.text.startswith(heeded):
            continue
        note(f"note: {subject.source}: {remark.text}")


def pairs(texts: Sequence[str], flag: str, example: str) -> list[tuple[str, str]]:
    """The names and values of `NAME=VALUE` arguments.

    Raises:
        DomainError: one is not of that form.
    """
    found = []
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise DomainError(f"{flag} {text!r}: expected NAME=VALUE, for example {flag} {example}")
        found.append((name.strip(), value.strip()))
    return found


def option_of(name: str, text: str) -> bool | int | str | None:
    """The value that *text* says for an option.

    Raises:
        OptionError: it says none.
    """
    words: dict[str, bool | None] = {"true": True, "false": False, "null": None, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    if _INTEGER.match(text) and len(text) <= _LONGEST:
        return int(text.replace(",", ""))
    if _WORD.match(text):
        return text
    raise OptionError(f"option {name} = {text!r:.80}: expected true, false, null, an integer or a word")


def _optional(formula: Formula, pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The fields among *pairs* that this variant of the formula leaves null."""
    try:
        fields = find(formula.name).fields
    except UnknownModelError:  # a formula of another origin has its options under their own names
        fields = {}
    found = {}
    for name, text in pairs:
        target = fields.get(name, name)
        if name not in formula.notation and formula.options.get(target, False) is None:
            if not _INTEGER.match(text) or len(text) > _LONGEST or (value := int(text.replace(",", ""))) < 1:
                raise DomainError(f"{target}: expected an integer of at least 1, got {text!r:.80}")
            found[target] = value
    return found


def is_number(text: str) -> bool:
    """Whether *text* is a number rather than an expression."""
    return bool(_INTEGER.match(text) or _DECIMAL.match(text))


def value_of(entry: Entry, text: str) -> Any:
    """The number that *text* says for a symbol.

    Raises:
        DomainError: it says none that the symbol can have.
    """
    if len(text) > _LONGEST:
        raise DomainError(f"{title(entry)}: expected a number of at most {_LONGEST} digits, got {len(text)}")
    if _INTEGER.match(text):
        return int(text.replace(",", ""))
    if entry.rational and _DECIMAL.match(text):
        return Decimal(text)
    wanted = "a positive decimal number" if entry.rational else f"an integer of at least {entry.minimum}"
    raise DomainError(f"{title(entry)}: expected {wanted}, got {text!r}; write it like 30000, 30_000 or 30,000")
