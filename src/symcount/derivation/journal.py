"""The journal of a derivation: what happened in it, for people to read, and the runs that were made, each once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from symcount.concolic.config.config_source import ConfigSource
from symcount.concolic.config.symbolic import Number
from symcount.concolic.traces import Trace
from symcount.errors import DerivationError

__all__ = ["Journal"]


@dataclass
class Journal:
    """What happened so far, which decides nothing: it is read by people, and saves runs that were done.

    Attributes:
        story: a line each: runs of the constructor, questions, conditions, fields kept concrete.
        harmless: values of fields that no run moved, or in a logarithm, that were seen to change no parameter.
        rigid: lists with an element for each layer that cannot follow the number of layers.
        reached: depths with numbers of layers at which a formula was tried, beyond those of the runs.
        too_large: numbers of layers at which the model had more tensors than are looked at.
        runs: what was observed, or why there is no such model, by config, what was pinned and the values; each once.
    """

    story: list[str] = field(default_factory=list)
    harmless: dict[str, set[Number]] = field(default_factory=dict)
    rigid: set[str] = field(default_factory=set)
    reached: set[tuple[str, Number]] = field(default_factory=set)
    too_large: list[dict[str, Number]] = field(default_factory=list)
    runs: dict[tuple[Any, ...], tuple[ConfigSource, Trace | DerivationError]] = field(default_factory=dict, repr=False)

    def note(self, line: str) -> None:
        """Add a line to the story, once if it is the same as the last one."""
        if self.story[-1:] != [line]:
            self.story.append(line)
