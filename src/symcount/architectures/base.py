"""What an architecture is: a tree built from layers, and the rules by which its config gives the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from sympy import Expr

from symcount.domain import Condition
from symcount.errors import OptionError, near
from symcount.formula import Formula
from symcount.layers import Head, Linear
from symcount.lettering import assign, lettered
from symcount.notation import Entry, Notation, entry
from symcount.tree import Block, Size, block

__all__ = ["GIVEN", "Architecture", "Build", "Options", "classification_head", "notation_of", "vocabulary_head"]

Options: TypeAlias = Mapping[str, Any]
Build: TypeAlias = Callable[[Options], Block]

GIVEN = "given"
"""The option value that stands for any number, of a config field that may also be `None`."""


def notation_of(fields: Mapping[str, str]) -> Notation:
    """The notation of an architecture whose config calls the letters' quantities *fields*.

    A letter that is not in the table is the one that `symcount.lettering.assign` gives to the field.

    >>> notation_of({"H": "n_embd"})["H"].field
    'n_embd'
    >>> notation_of({"H_text": "text_config.hidden_size"})["H_text"].meaning
    'hidden size (text)'
    """
    return lettered(Notation(tuple(_entry(letter, name) for letter, name in fields.items())))


def _entry(letter: str, name: str) -> Entry:
    (assigned,) = assign([name])
    return assigned if assigned.letter == letter else replace(entry(letter), field=name)


def vocabulary_head(hidden: Size, vocabulary: Size, tied_to: str, *, bias: bool | str = False) -> Build:
    """The projection onto the vocabulary, `HV` and with bias `HV + V`; tied, as the config may say, it stores less.

    Args:
        hidden: width of what is projected.
        vocabulary: number of tokens.
        tied_to: path of the table that is its weight where the config ties them.
        bias: with a bias; or the path of a second name of it, at which it is stored where the config ties.
    """

    def build(options: Options) -> Block:
        head = Head(hidden, vocabulary, bias=bool(bias))
        if not options["tie_word_embeddings"]:
            return head
        return head.tie(weight=tied_to, bias=bias) if isinstance(bias, str) else head.tie(weight=tied_to)

    return build


def classification_head(kind: str, hidden: Size, labels: Size) -> Block:
    """Two maps on the state of one token: `H² + H + YH + Y`."""
    return block(kind, dense=Linear(hidden, hidden), out_proj=Linear(hidden, labels))


@dataclass(frozen=True)
class Architecture:
    """A model class of transformers, composed by hand.

    Attributes:
        name: the class name, `BertForMaskedLM`.
        model_type: transformers' name of the family, `bert`.
        build: from option values to the tree, in the letters of *fields*.
        fields: letter -> config field.
        defaults: config field -> the config class's default (an integer).
        filled: letter -> rule by which the config class fills the field when it is left out or `None`.
        options: config option -> default; they change the structure. A boolean, a word, or `None` with `GIVEN` as
            the other value for numbers that may be missing.
        decided: options that a config states through its numbers -> what decides, from field values (ELECTRA projects
            its embeddings where they are not as wide as its layers).
        pinned: config field -> the values for which the formula holds, the default first; others are refused.
        implied: config field -> what the options make of it; a config in which it says otherwise, as transformers would
            let it, is refused (T5's `is_gated_act` beside `feed_forward_proj`).
        arguments: constructor arguments that are not in the config -> default (`add_pooling_layer`).
        conditions: what the config class or the model's constructor demands beyond the layers' own conditions.
        aliases: other spellings that the config class takes -> field; where both are given, the alias counts.
    """

    name: str
    model_type: str
    build: Build
    fields: Mapping[str, str]
    defaults: Mapping[str, int]
    filled: Mapping[str, Expr] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    decided: Mapping[str, Callable[[Mapping[str, Any]], bool]] = field(default_factory=dict)
    pinned: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    implied: Mapping[str, Callable[[Options], Any]] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def topped(self, name: str, under: str, body: Build | None = None, /, **heads: Block | Build) -> Architecture:
        """The class *name*: a base model, which it calls *under*, with further layers.

        Args:
            name: the class name.
            under: the attribute that holds the base model.
            body: the base model, where it is not this architecture's own.
            heads: the further layers, in the model's order; a function of the options where they depend on them.
        """
        base = body or self.build

        def build(options: Options) -> Block:
            layers = {n: head if isinstance(head, Block) else head(options) for n, head in heads.items()}
            return block(name, **{under: base(options)}, **layers)

        return replace(self, name=name, build=build, arguments={})

    def formula(self, **options: Any) -> Formula:
        """The formula for these option values; options left out have their defaults.

        Raises:
            OptionError: an option that the architecture does not have, or not with this value.
        """
        known = {**self.options, **self.arguments}
        chosen = dict(known)
        for name, value in options.items():
            if name not in known:
                raise OptionError(
                    f"{self.name} has no option {name!r}: it has {', '.join(known) or 'none'}.{near(name, list(known))}"
                )
            chosen[name] = self._checked(name, value, known[name])
        tree = self.build(chosen)
        notation = notation_of(self.fields)
        used: set[Any] = set()
        for _, part in tree.walk():
            used |= part.repeat.free_symbols | part.active.free_symbols
            used |= {s for p in part.parameters for d in p.shape for s in d.free_symbols}
            used |= {s for c in part.conditions for s in c.symbols}
        used |= {s for c in self.conditions for s in c.symbols}
        filled = {letter: rule for letter, rule in self.filled.items() if notation[letter].symbol in used}
        used |= {s for rule in filled.values() for s in rule.free_symbols}
        notation = notation.restrict(used)
        return Formula(
            tree,
            notation,
            self.name,
            self.model_type,
            options=chosen,
            defaults={e.letter: self.defaults[e.field] for e in notation if e.field in self.defaults},
            filled=filled,
            conditions=self.conditions,
        )

    def _checked(self, name: str, value: Any, default: Any) -> Any:
        if default in (None, GIVEN):  # a number that may be missing
            if value is None or value == GIVEN:
                return value
            if isinstance(value, int) and not isinstance(value, bool):
                return GIVEN
            raise OptionError(f"{name}: expected None or an integer, got {value!r}")
        if isinstance(default, str):
            if not isinstance(value, str):
                raise OptionError(f"{name}: expected a word such as {default!r}, got {value!r}")
        elif not isinstance(value, bool):
            raise OptionError(f"{name}: expected true or false, got {value!r}")
        return value
