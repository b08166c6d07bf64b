"""Lists with an element for each layer: which kinds may stand anywhere."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, Final

from symcount.atlas.codes import MISSING
from symcount.atlas.fitting import expanded, says
from symcount.concolic.traces import Trace
from symcount.concolic.values.expression import Node, evaluate, floordiv, symbol
from symcount.core.paths import section_of
from symcount.derivation.formula import DerivedFormula
from symcount.survey.schema.choices import LETTERS
from symcount.survey.schema.config_class import attribute_at
from symcount.survey.schema.probe import Probe, signature
from symcount.survey.schema.work import Work

__all__ = ["depth_of", "guessed", "layers", "lettered", "runs"]


def layers(work: Work, path: str, current: Any, formula: DerivedFormula) -> None:
    """A list with one string for each layer: which kinds may stand anywhere."""
    probe, section = work.probe, section_of(path)
    kinds = sorted(set(map(str, current)) | ({"full_attention", "sliding_attention"} if "types" in path else set()))
    whole = probe.trace({}, deep=True)
    current = _list_at(probe, path, {})
    if whole is None or current is None:
        return
    own = signature(whole)
    depths = [d for d in whole.symbols if d in formula.structural and whole.symbols[d] == len(current)
              and section_of(d) == section]  # fmt: skip
    same = []
    for one in kinds:
        uniform = probe.trace({path: [one] * len(current)}, deep=True)
        if uniform is not None and signature(uniform) == own:
            same.append(one)
    explicit = probe.trace({path: current}, deep=True)
    if not depths or explicit is None or signature(explicit) != own:
        return
    if set(map(str, current)) <= set(same):
        work.patterns[path] = {"depth": depths[0], "kinds": same}


def runs(work: Work, path: str, current: Any, formula: DerivedFormula) -> bool:
    """Whether a list has kinds of layers and how often these come, and may have any of them; then it is a pattern."""
    whole = work.probe.trace({}, deep=True)
    layers_ = expanded(current)
    if layers_ is None or whole is None:
        return False
    section, number = section_of(path), len(layers_)
    depths = [d for d in formula.depths if whole.symbols.get(d) == number and section_of(d) == section]
    kinds = sorted(set(layers_))
    tries = [work.probe.trace({path: [[[one], number]]}, deep=True) for one in kinds]
    if not depths or any(one is None or signature(one) != signature(whole) for one in tries):
        return False
    work.patterns[path] = {"depth": depths[0], "kinds": kinds, "runs": True}
    return True


def lettered(work: Work) -> None:
    """Texts with a letter for the kind of each layer, where a list says the kinds: a text that says the same.

    The letters mean what they mean beside the list that the config computes; any text of these is tried in two orders.
    """
    whole = work.probe.trace({}, deep=True)
    for section, owner in work.probe.parts.items():
        for key in (k for k in LETTERS if "s" in owner.types.get(k, "") and not isinstance(owner.defaults.get(k), str)):
            text, prefix = LETTERS[key], f"{section}." if section else ""
            for of in (prefix + k for k in owner.types if prefix + k in work.accept and k != key):
                kinds = _list_at(work.probe, of, {})
                meaning = dict(zip(itertools.cycle(text), kinds or (), strict=False))
                if kinds is None or len(set(meaning.values())) < len(set(text)) or not says(text, kinds, meaning):
                    continue
                several = [
                    (said, [meaning[said[i % len(said)]] for i in range(len(kinds))]) for said in (text, text[::-1])
                ]
                tries = [work.probe.trace({prefix + key: said, of: listed}, deep=True) for said, listed in several]
                if whole is not None and all(one is not None and signature(one) == signature(whole) for one in tries):
                    work.patterns[prefix + key] = {"of": of, "letters": meaning}
                    work.accept.setdefault(prefix + key, {"#": 0})
                    work.samples.setdefault(prefix + key, {0: MISSING})


#: What a number that no config class declares is by default, where the model has a default for it.
_GUESSES: Final = (
    ("hidden_size",), ("d_model",), ("hidden_size", "num_attention_heads"), ("d_model", "num_attention_heads"),
)  # fmt: skip


def guessed(work: Work, path: str, base: Trace, at: Mapping[str, Any]) -> Node | None:
    """The number that an undeclared key stands for: the model is the same where the key says just that.

    Sizes are compared as numbers, at two choices of the others.
    """
    section = section_of(path)
    for names in _GUESSES:
        paths = [f"{section}.{name}" if section else name for name in names]
        sizes = [base.symbols.get(p) for p in paths]
        if not all(isinstance(size, int) for size in sizes):
            continue
        node = symbol(paths[0])
        for other in paths[1:]:
            node = floordiv(node, symbol(other))
        larger = {paths[0]: 2 * int(base.symbols[paths[0]])}
        if all(_alike(work.probe, path, node, at, moved) for moved in ({}, larger)):
            return node
    return None


def _alike(probe: Probe, path: str, node: Node, at: Mapping[str, Any], moved: Mapping[str, Any]) -> bool:
    """Whether every tensor has the same sizes if the key at *path* says what *node* is at the numbers *moved*."""
    one = probe.trace(at, moved)
    if one is None:
        return False
    two = probe.trace({**at, path: int(evaluate(node, one.symbols))}, moved)
    return two is not None and _sizes(one) == _sizes(two)


def _sizes(one: Trace) -> list[tuple[Any, ...]]:
    def size(dimension: Any) -> int:
        return int(evaluate(dimension, one.symbols) if isinstance(dimension, Node) else dimension)

    return [(p.path, *map(size, p.shape)) for p in one.parameters]


def depth_of(path: str, whole: Trace | None, formula: DerivedFormula, work: Work) -> str:
    """The number of layers that a list has an element for, empty if it has another length."""
    config = attribute_at(work.probe.try_config({}), path)
    if whole is None or not isinstance(config, list | tuple):
        return ""
    section = section_of(path)
    found = (d for d in formula.depths if section_of(d) == section and whole.symbols.get(d) == len(config))
    return next(found, "")


def _list_at(probe: Probe, path: str, changes: Mapping[str, Any]) -> list[str] | None:
    config = attribute_at(probe.try_config(changes), path)
    return [str(x) for x in config] if isinstance(config, list | tuple) else None
