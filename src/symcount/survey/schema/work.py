"""What is known of one layout while it is measured."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from symcount.atlas.codes import MISSING, code
from symcount.concolic.values.expression import Node
from symcount.concolic.values.path import Condition
from symcount.survey.schema.alternatives import ROPES
from symcount.survey.schema.probe import Probe

__all__ = ["EFFORT", "ORDINARY", "Work", "coded_values", "free_values", "key_of", "switches", "values_of"]

#: Tensors that are traced for one class, about; counted, not timed, so that every build of the atlas is the same.
EFFORT = 20_000
#: Tensors of an ordinary model at the depths at which it is traced; a larger one has more in proportion.
ORDINARY = 128


@dataclass
class Work:
    """What is known of one layout.

    Attributes:
        probe: what is varied.
        activations: names of activation functions without parameters.
        effort: tensors that may be traced while keys are varied, and again as many for combinations of them.
        rules: number -> what the config fills in where it is left out.
        nulls: number -> what it fills in where it is null.
        accept: key -> code of a value -> label.
        samples: key -> label -> a value of it.
        labels: the last label that was given.
        words: number -> the string that is the same as leaving it out.
        sames: number less than zero by default -> the number that the config puts there.
        fillers: number without influence -> a value at which it was tried.
        extra: conditions that such numbers must fulfil.
        activation: keys that name an activation function.
        patterns: keys with an element for each layer; see `record.Check.pattern`.
        lengths: lists of numbers -> their length.
        dull: conditions beyond which the default has no other tensors: other combinations are not tried there.
        void: conditions that were found to matter to no tensor; one point is enough to see it again.
        failed: key -> true or false with which the model could not be built.
        arranged: lists of kinds of layers; see `record.Check.arranged`.
        equals: undeclared key -> the number that the config computes.
        each: undeclared key -> the list that the config computes, perhaps of lists, with its numbers as expressions.
    """

    probe: Probe
    activations: frozenset[str]
    effort: int
    rules: dict[str, Node] = field(default_factory=dict)
    nulls: dict[str, Node] = field(default_factory=dict)
    accept: dict[str, dict[str, int]] = field(default_factory=dict)
    samples: dict[str, dict[int, Any]] = field(default_factory=dict)
    labels: int = 0
    words: dict[str, str] = field(default_factory=dict)
    sames: dict[str, Node] = field(default_factory=dict)
    fillers: dict[str, int] = field(default_factory=dict)
    extra: list[Condition] = field(default_factory=list)
    activation: set[str] = field(default_factory=set)
    patterns: dict[str, dict[str, Any]] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    dull: set[tuple[str, Node, Node]] = field(default_factory=set)
    void: set[tuple[str, Node, Node]] = field(default_factory=set)
    failed: dict[str, list[bool]] = field(default_factory=dict)
    arranged: dict[str, dict[str, Any]] = field(default_factory=dict)
    equals: dict[str, Node] = field(default_factory=dict)
    each: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def exploring(self) -> bool:
        """Whether more keys may be varied."""
        return self.probe.traced < self.effort

    @property
    def combining(self) -> bool:
        """Whether more combinations may be derived."""
        return self.probe.traced < 2 * self.effort


def key_of(value: Any) -> str:
    """The code under which `atlas.schema.Reader` looks a value up."""
    if value and (isinstance(value, list | tuple) or (isinstance(value, dict) and not code(value).startswith("rope"))):
        return "=" + json.dumps(value, sort_keys=True, default=str)
    return code(value)


def switches(work: Work) -> list[str]:
    """Keys with more than one label."""
    return [path for path, accept in work.accept.items() if len(set(accept.values())) > 1]


def free_values(work: Work) -> dict[str, Any]:
    """For each key that has another value without influence, one of these."""
    found = {}
    for path, accept in work.accept.items():
        others = [v for v in values_of(work, path) if accept.get(key_of(v)) == 0]
        if others:
            found[path] = others[0]
    return found


def values_of(work: Work, path: str) -> list[Any]:
    """The values other than the default that were accepted."""
    return [value for _, value in coded_values(work, path)]


def coded_values(work: Work, path: str) -> list[tuple[str, Any]]:
    """The codes other than the default's that were accepted, each with the values that were tried of it."""
    found: list[tuple[str, Any]] = []
    words: dict[str, Any] = {"true": True, "false": False, "null": None, "[]": []}
    default = key_of(work.probe.default(path) if work.probe.declared(path) is not None else MISSING)
    for key in work.accept[path]:
        if key in {default, "absent"}:
            continue
        if key in words:
            found.append((key, words[key]))
        elif key.startswith("'"):
            found.append((key, key[1:]))
        elif key == "#":
            usual = next((v for v in work.samples[path].values() if isinstance(v, int)), 8)
            found.append((key, work.fillers.get(path, usual)))
        elif key.startswith("="):
            found.append((key, json.loads(key[1:])))
        elif key.startswith("rope "):
            found += [(key, dict(r)) for r in ROPES if r.get("rope_type", r.get("type")) == key[5:]]
    return found
