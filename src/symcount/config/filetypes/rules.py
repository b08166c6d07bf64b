"""By what a JSON object is recognised: rules of which keys it has, and of what they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

__all__ = [
    "Fields",
    "Rule",
    "at_least",
    "both",
    "class_name",
    "either",
    "every",
    "lacks",
    "named_numbers",
    "only",
    "results",
    "sizeless",
    "some",
    "typed",
]

Fields: TypeAlias = Mapping[str, Any]
Rule: TypeAlias = Callable[[Fields], bool]


def every(*names: str) -> Rule:
    """All of these keys."""
    return lambda fields: all(name in fields for name in names)


def some(*names: str) -> Rule:
    """One of these keys at least."""
    return lambda fields: any(name in fields for name in names)


def only(*names: str) -> Rule:
    """Something, and nothing but these keys."""
    return lambda fields: bool(fields) and set(fields) <= set(names)


def lacks(*names: str) -> Rule:
    """None of these keys."""
    return lambda fields: not any(name in fields for name in names)


def at_least(needed: int, *names: str) -> Rule:
    """At least so many of these keys."""
    return lambda fields: sum(name in fields for name in names) >= needed


def both(*rules: Rule) -> Rule:
    """All of these rules."""
    return lambda fields: all(rule(fields) for rule in rules)


def either(*rules: Rule) -> Rule:
    """One of these rules at least."""
    return lambda fields: any(rule(fields) for rule in rules)


def typed(name: str, kind: type) -> Rule:
    """This key, with a value of this kind."""
    return lambda fields: isinstance(fields.get(name), kind)


def class_name(*endings: str) -> Rule:
    """A class name of diffusers that ends so."""
    return lambda fields: isinstance(name := fields.get("_class_name"), str) and name.endswith(endings)


def sizeless(fields: Fields) -> bool:
    """Nothing that has the name of a size: configs of models say their tokenizer, too."""
    return not any(re.search(r"size|layer|dim|_heads?\Z|d_model|n_embd|_config\Z", str(name)) for name in fields)


def named_numbers(fields: Fields) -> bool:
    """A vocabulary: names, each with its own number, most of which no config has."""
    numbers = list(fields.values())
    if not all(type(n) is int and n >= 0 for n in numbers) or len(set(numbers)) != len(numbers):
        return False
    marked = any(re.match(r"<.*>\Z|\[.*\]\Z|[▁Ġ#]", str(name), re.DOTALL) for name in fields)
    return marked or (len(numbers) >= 100 and max(numbers) < 2 * len(numbers))


def results(fields: Fields) -> bool:
    """Numbers that a training or an evaluation measured, and nothing else."""
    return bool(fields) and all(
        re.match(r"(train|eval|test|predict)_|epoch\Z|total_flos\Z|perplexity\Z", str(name)) for name in fields
    )
