"""What the atlas stores of a class, as records that are written to and read from JSON as they stand.

An `Entry` is a model class. It has a `Layout` for each choice of sub-config classes; a layout says how a config's keys
become numbers by dotted path and switches by label, and which `StoredFormula` holds for which labels. Everything in a
layout was measured when the atlas was built: what is not in it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from symcount.core.records import Record, made

__all__ = ["Check", "Entry", "Layout", "Number", "Section", "StoredFormula"]


class _Json(Record):
    """To and from JSON; empty fields are left out."""

    def to_json(self) -> dict[str, Any]:
        """A dict of what is not empty."""
        return {k: v for k, v in self.to_dict().items() if v not in ((), {}, [], "", None, False)}

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Self:
        """The record that `to_json` made *item* of."""
        return cls(**item)


class StoredFormula(_Json):
    """One closed form.

    Attributes:
        letters: of each symbol: letter, dotted config field, LaTeX, meaning, minimum, whether it scales, whether it is
            a ratio.
        totals: convention -> text of the total in the letters; a convention equal to `unique` is left out.
        domain: conditions (relation, left, right) in the letters.
        asked: conditions that the model's own code asked, in the layout's names.
        tree: index of the tree among the family's.
        options: config fields that the construction read and that are no numbers.
        pinned: number fields that the formula holds at one value of.
        points: random points at which it agreed with the real model, tensor by tensor.
        seed: of these points.
    """

    letters: list[list[Any]] = made(default_factory=list)
    totals: dict[str, str] = made(default_factory=dict)
    domain: list[list[str]] = made(default_factory=list)
    asked: list[list[str]] = made(default_factory=list)
    tree: int = 0
    options: dict[str, Any] = made(default_factory=dict)
    pinned: dict[str, Any] = made(default_factory=dict)
    points: int = 0
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """As above; the index of a tree may be 0."""
        return {**super().to_json(), "tree": self.tree}


class Section(_Json):
    """One config or sub-config.

    Attributes:
        types: declared key -> the kinds of JSON values that its annotation admits, one letter each: `i`nteger,
            `f`loat, `b`oolean, `s`tring, `n`ull, `l`ist, `d`ict.
        aliases: other spellings of a key that were measured to mean the same.
        refused: keys that the class's code consumes in a way that was not measured.
        closed: keys that the class refuses, also where they are null.
        lengths: key of a list of numbers -> its length.
        null: whether a sub-config may be null, which is the same as leaving it out.
        optional: whether the sub-config must be given, or must not.
        flat: whether the keys of a sub-config that is left out are taken from the config around it.
        unnamed: whether the number of labels is not that of the names in `id2label`.
        instead: key beside the sub-config that replaces it where it is given: `text_config_dict`.
        meant: what a sub-config says where the config class saves what it makes of one that is left out.
        own: the keys of it at which its class has other defaults.
        stated: whether a sub-config that is given must say its model type.
        unread: keys that only a newer release reads, and that this one passes over.
        overruling: the spellings that count over the key itself where a config has both.
    """

    types: dict[str, str] = made(default_factory=dict)
    aliases: dict[str, str] = made(default_factory=dict)
    refused: list[str] = made(default_factory=list)
    lengths: dict[str, int] = made(default_factory=dict)
    null: bool = False
    optional: str = ""
    flat: bool = False
    unnamed: bool = False
    instead: str = ""
    meant: dict[str, Any] = made(default_factory=dict)
    own: list[str] = made(default_factory=list)
    closed: list[str] = made(default_factory=list)
    stated: bool = False
    unread: list[str] = made(default_factory=list)
    overruling: list[str] = made(default_factory=list)


class Number(_Json):
    """A number that a formula or one of its conditions needs.

    Attributes:
        name: its identifier in rules and conditions.
        given: its default where its sub-config is given.
        absent: its default where its sub-config is left out.
        rule: text of the number where the key is left out.
        null: text of the number where the key is null; empty if that is refused.
        minimum: the smallest admissible value.
        ratio: a ratio instead of an integer.
        word: a string that is the same as leaving the key out.
        same: text of the number that the default stands for: -1 for the last layer.
        each: path of a number of layers; a list that has the number once for each of them says it, too.
    """

    name: str
    given: Any = None
    absent: Any = None
    rule: str = ""
    null: str = ""
    minimum: int | None = None
    ratio: bool = False
    word: str = ""
    same: str = ""
    each: str = ""

    def to_json(self) -> dict[str, Any]:
        """As above, but a number may be 0."""
        return {k: v for k, v in self.to_dict().items() if v is not None and v is not False and v != ""}


class Check(_Json):
    """A field that is no number of a formula, but that the construction reads.

    Attributes:
        given: its default where its sub-config is given.
        absent: its default where its sub-config is left out.
        accept: code of a value -> label; values of one label have the same formula.
        activation: any activation function without parameters has the default's label.
        pattern: of a list with an element for each layer: `depth`, the path of the number of layers; and `kinds`, the
            elements that it may have (`runs`: written as kinds and how often these come), or `numbers`, of which it
            may have any, or `period`, which the only list there may be repeats; or the only `list` (or object) there
            may be, while others are the `same` as by default. Of names: `numbered`, the first one, and that to
            which the others add their number; or how many `stages` they choose, whichever these are; 0 if any. Of
            numbers: those of the layers that a list (`of`, a path) says to be of a `kind`. Of a text: its
            `letters`, over and over, mean what that list says. Of an object of `layers` by their numbers: the keys
            that they may have otherwise than the config, as no tensor depends on them.
        equals: text of the number that must be given if any is.
        each: texts of the elements of the list that must be given if any is; it may have lists in it, numbers and words
            with a quote before them that stand for themselves.
        arranged: of a list that says of which kind each layer is, where only their numbers matter: `form`, see
            `config.kind_lists`; `depth`, the path of the number of layers; `kinds`, what it may name -> its kind;
            `spelled`, keys that say the same as a text -> letter -> element.
        rule: how the list or object that must be given if any is follows from numbers, layer by layer; see
            `atlas.computed`; `numbers`, those that it takes, with their defaults; `beside`, other keys that must say
            what they say by default, or what the config computes.
        paths: measured values of the default's label, each with what was asked on its path; see `questions.alike`.
    """

    given: Any = None
    absent: Any = None
    accept: dict[str, int] = made(default_factory=dict)
    activation: bool = False
    pattern: dict[str, Any] = made(default_factory=dict)
    equals: str = ""
    arranged: dict[str, Any] = made(default_factory=dict)
    each: list[Any] = made(default_factory=list)
    rule: dict[str, Any] = made(default_factory=dict)
    paths: list[list[Any]] = made(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As above, but a default may be false."""
        found = self.to_dict()
        lists = ("activation", "each", "paths")
        return {k: v for k, v in found.items() if v not in ({}, "", None) and (k not in lists or v)}


class Layout(_Json):
    """How the configs of one choice of sub-config classes are read.

    Attributes:
        types: dotted path of a sub-config -> the model types that it may say.
        sections: dotted path of each sub-config, the root under the empty path.
        numbers: dotted path -> number.
        checks: dotted path -> check.
        switches: the paths of those checks that have more than one label.
        states: labels of the switches, joined by commas -> indices of formulas: the first one, and those that hold
            where its domain ends.
        formulas: the formulas.
        configs: random configs at which count and real model agreed.
    """

    types: dict[str, list[str]] = made(default_factory=dict)
    sections: dict[str, Section] = made(default_factory=dict)
    numbers: dict[str, Number] = made(default_factory=dict)
    checks: dict[str, Check] = made(default_factory=dict)
    switches: list[str] = made(default_factory=list)
    states: dict[str, list[int]] = made(default_factory=dict)
    formulas: list[StoredFormula] = made(default_factory=list)
    configs: int = 0

    def to_json(self) -> dict[str, Any]:
        """With the parts as JSON."""
        parts: dict[str, Any] = {
            "types": self.types,
            "sections": {k: v.to_json() for k, v in self.sections.items()},
            "numbers": {k: v.to_json() for k, v in self.numbers.items()},
            "checks": {k: v.to_json() for k, v in self.checks.items()},
            "switches": self.switches,
            "states": self.states,
            "formulas": [f.to_json() for f in self.formulas],
            "configs": self.configs,
        }
        return {k: v for k, v in parts.items() if v}

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Self:
        """The layout that `to_json` made *item* of."""
        kinds: dict[str, Any] = {"sections": Section, "numbers": Number, "checks": Check}
        parts = dict(item)
        for name, kind in kinds.items():
            parts[name] = {k: kind.from_json(v) for k, v in item.get(name, {}).items()}
        parts["formulas"] = [StoredFormula.from_json(f) for f in item.get("formulas", ())]
        return cls(**parts)


class Entry(_Json):
    """A model class.

    Attributes:
        name: the class.
        model_type: what its configs say.
        base: whether it is a base model, rather than one with a head.
        effort: tensors that were traced for it, about.
        layouts: one for each choice of sub-config classes; the first is the default.
        own: whether *model_type* is that of the class itself, rather than of others whose configs it takes as well.
    """

    name: str
    model_type: str = ""
    base: bool = False
    effort: int = 0
    layouts: list[Layout] = made(default_factory=list)
    own: bool = True

    def to_json(self) -> dict[str, Any]:
        """With the layouts as JSON."""
        found: dict[str, Any] = {"name": self.name, "model_type": self.model_type}
        if self.base:
            found["base"] = True
        if not self.own:
            found["own"] = False
        if self.effort:
            found["effort"] = self.effort
        return {**found, "layouts": [layout.to_json() for layout in self.layouts]}

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Self:
        """The entry that `to_json` made *item* of."""
        return cls(**{**item, "layouts": [Layout.from_json(x) for x in item["layouts"]]})
