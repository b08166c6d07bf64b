"""Lists that say of which kind each layer is: any order of the kinds, where the tensors depend on their numbers only.

Such a list is a switch with a label of its own: beside the default pattern there are formulas in the numbers of layers
of each kind, derived at a `config.kind_lists.KindList`. Here is found which keys are such lists, which words
they may have, and which of these mean the same.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from symcount.atlas.codes import MISSING
from symcount.atlas.record import Layout
from symcount.config.kind_lists import LISTED, NAMES, OTHERS, KindList, field_of
from symcount.core.paths import section_of
from symcount.derivation.kind_detection import INDICES, distinguishes, nameless
from symcount.derivation.structure import likely_depths
from symcount.survey.schema.config_class import Part, attribute, compared
from symcount.survey.schema.probe import signature
from symcount.survey.schema.spelling import as_text, spelled
from symcount.survey.schema.work import Work, key_of

__all__ = ["ARRANGED", "expanded", "kinds", "overruled"]

#: The code under which a check has the label of such lists.
ARRANGED: Final = "arranged"
_KIND: Final = re.compile(r"(layer|block)s?_(block_)?types?")
_WORDS: Final = ("full_attention", "linear_attention", "sliding_attention", "attention", "mamba", "conv")
_DEEP: Final = 4  # layers at which a word is tried
_EACH: Final = 2  # layers of each kind where the formulas are derived


def kinds(work: Work) -> None:
    """Give every list of kinds of layers a label of its own."""
    whole = work.probe.trace({}, deep=True)
    if whole is None:
        return
    for section, owner in work.probe.parts.items():
        prefix = f"{section}." if section else ""
        depths = [n for n in likely_depths(whole.symbols) if "[" not in n and section_of(n) == section]
        for key in owner.types:
            path = prefix + key
            # a list of layers whose elements are read one by one is no check yet
            elements = path in work.lengths and INDICES.search(key) is not None
            if "l" not in owner.types[key] or not (path in work.accept or elements) or not work.exploring:
                continue
            current = attribute(work.probe.instances[section], key)
            for depth in depths:
                if _strings(current) and len(current) == whole.symbols[depth]:
                    form, words = "kinds", _spelled(work, path, owner, depth, current)
                elif INDICES.search(key) and _numbers(current):
                    form, words = "indices", {LISTED: LISTED, OTHERS: OTHERS}
                else:
                    continue
                if _labelled(work, path, depth, form, words):
                    break
            else:
                if _strings(current):
                    _without_depth(work, path, owner, list(current))


def _without_depth(work: Work, path: str, owner: Part, current: list[str]) -> None:
    """A list of kinds that is as long as there are layers, or one of names."""
    kinds_ = _KIND.fullmatch(path.rpartition(".")[2]) is not None
    if kinds_ and _labelled(work, path, "", "kinds", _spelled(work, path, owner, "", current)):
        if letters := spelled(work, path, owner):
            work.arranged[path]["spelled"] = letters
    elif _named(work, path, owner, current):
        _labelled(work, path, "", NAMES, {NAMES: NAMES})


def _strings(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(x, str) for x in value)


def _numbers(value: Any) -> bool:
    """Whether a default may be that of a list of layers: some of them, none, or nothing."""
    return value is None or (isinstance(value, list | tuple) and all(type(x) is int or _whole(x) for x in value))


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _labelled(work: Work, path: str, depth: str, form: str, words: Mapping[str, str]) -> bool:
    """Whether the list at *path* chooses between kinds of layers with other tensors; then it has a label."""
    found = dict.fromkeys(words.values())
    if len(found) < 2 and form != NAMES:
        return False
    sample = KindList(dict.fromkeys(found, _EACH), depth.rpartition(".")[2], form)
    one = work.probe.trace({path: sample})
    if one is None or not all(field_of(path, kind) in one.symbols for kind in found):
        return False
    fewer = work.probe.trace({path: sample}, {field_of(path, kind): _EACH + (i == 0) for i, kind in enumerate(found)})
    more = work.probe.trace({path: sample}, {field_of(path, kind): _EACH + (i == 1) for i, kind in enumerate(found)})
    if fewer is None or more is None or not distinguishes(fewer, more):
        return False  # the list has no influence
    work.labels += 1
    if work.lengths.pop(path, None) is not None:
        work.accept[path], work.samples[path] = {key_of(work.probe.default(path)): 0}, {0: MISSING}
    work.accept[path][ARRANGED] = work.labels
    work.samples[path][work.labels] = sample
    work.arranged[path] = {"depth": depth, "form": form, "kinds": dict(words)}
    return True


def _named(work: Work, path: str, owner: Part, current: list[str]) -> bool:
    """Whether the list at *path* may have any names: none of the words that the code knows says anything else."""
    words = list(dict.fromkeys((*current, *_known(work, path, owner), *_WORDS)))
    some = work.probe.trace({path: words})
    others = work.probe.trace({path: KindList({NAMES: len(words)}, "", NAMES)})
    return some is not None and others is not None and nameless(some, others)


def _spelled(work: Work, path: str, owner: Part, depth: str, current: list[str]) -> dict[str, str]:
    """The words that the list may have, each with its kind: the first word that was seen to mean the same."""
    strings = list(dict.fromkeys((*map(str, current), *_known(work, path, owner), *_WORDS)))
    usual = list(dict.fromkeys(map(str, current)))
    found: dict[str, str] = {}
    seen: dict[str, tuple[list[str], Any]] = {}  # kind -> a list with it, and the signature of its model
    for word in strings:
        for kind, (used, own) in seen.items():
            if _signed(work, path, [word if x == kind else x for x in used], depth) == own:
                found[word] = kind
                break
        else:
            for other in [word, *(x for x in usual if x != word)]:
                used = [word, other] * (_DEEP // 2)
                if (own := _signed(work, path, used, depth)) is not None:
                    found[word] = word
                    seen[word] = (used, own)
                    break
    return found


def _known(work: Work, path: str, owner: Part) -> Iterator[str]:
    """The words that the code of the config and of the model compares the elements of a list with."""
    key = path.rpartition(".")[2]
    yield from owner.literals.get(key, ())
    configuration = owner.cls.__module__
    for module in (configuration, work.probe.cls.__module__, configuration.replace("configuration_", "modeling_")):
        for name, said in compared(module).items():
            if _KIND.fullmatch(name) or name in {key, "layer_type", "block_type"}:
                yield from said


def _signed(work: Work, path: str, value: list[str], depth: str) -> Any:
    number = {depth: len(value)} if depth else {}
    one = work.probe.trace({path: value, **number}, number)
    return None if one is None else signature(one)


def overruled(work: Work, path: str, changes: Mapping[str, Any]) -> bool:
    """Whether the list at *path* has no influence beside *changes*: another list says of which kind the layers are."""
    listed: KindList = changes[path]
    without = work.probe.trace({p: v for p, v in changes.items() if p != path})
    one_each = dict.fromkeys(listed.numbers, 1)
    beside = [
        work.probe.trace({**changes, path: listed.with_numbers(numbers, seed)})
        for seed, numbers in enumerate((listed.numbers, listed.numbers, one_each))
    ]
    return without is not None and all(x is not None and signature(x) == signature(without) for x in beside)


def expanded(values: Mapping[str, Any], layout: Layout, rng: random.Random) -> dict[str, Any]:
    """*values* of a random config with a list in random order for every list of kinds among them, and its length."""
    result = dict(values)
    for path, value in values.items():
        if not isinstance(value, KindList):
            continue
        spec = layout.checks[path].arranged
        drawn = {kind: result.pop(field_of(path, kind), None) for kind in value.numbers}
        # a number that no formula has is drawn all the same: either it has no influence, or it must be refused
        numbers = {kind: rng.randint(1, 4) if drawn[kind] is None else drawn[kind] for kind in value.numbers}
        if spec["form"] == NAMES:
            result[path] = [f"{rng.choice('abc')}_{i}" for i in range(numbers[NAMES])]
            continue
        if rng.random() < 0.2:
            numbers[rng.choice(list(numbers))] = 0
        words = {kind: [w for w, k in spec["kinds"].items() if k == kind] for kind in numbers}
        listed = value.with_numbers(numbers, rng.randrange(1000))
        result[path] = [x if _whole(x) else rng.choice(words[x]) for x in listed]
        if spec["depth"]:
            result[spec["depth"]] = sum(numbers.values())
        result |= as_text(result, path, spec.get("spelled", {}), rng)
    return {path: value for path, value in result.items() if "#" not in path}
