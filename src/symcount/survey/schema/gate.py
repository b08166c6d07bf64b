"""What a layout makes of files that the config class saves, against the model that transformers makes of them.

The default and some random numbers, each whole; and the default's file with these numbers changed in it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any, Final

from symcount.atlas.record import Layout
from symcount.atlas.schema import Reader
from symcount.atlas.variant import Variant
from symcount.errors import SymcountError
from symcount.survey.schema.check import count
from symcount.survey.schema.probe import Probe, changed, real_total
from symcount.survey.schema.saved import saved_file

__all__ = ["disagreements"]

_DRAWN: Final = 4
_LARGEST: Final = 100_000


def disagreements(layout: Layout, probe: Probe, activations: frozenset[str], seed: int = 0) -> Iterator[str]:
    """The files that a layout counts in another way than transformers, each with the two numbers."""
    reader, variants = Reader(layout, activations), [Variant(layout, f) for f in layout.formulas]
    for changes, file in _files(layout, probe, random.Random(seed)):
        try:
            ours = count(variants, reader.read(file))
        except SymcountError:
            continue
        theirs = real_total(probe.cls, probe.config_class, file)
        if theirs is not None and theirs != ours:
            yield f"{ours} for {theirs} at {json.dumps(changes)}"


def _files(layout: Layout, probe: Probe, rng: random.Random) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    whole = saved_file(probe)
    yield {}, whole
    sizes = {
        path: number.given
        for path, number in layout.numbers.items()
        if type(number.given) is int and 1 < number.given < _LARGEST and path.isascii() and not set(path) & set("[#")
    }
    rules = {n: v for c in layout.checks.values() for n, v in c.rule.get("numbers", {}).items() if type(v) is int and v}
    sizes = {**rules, **sizes}
    deep = sorted({check.rule.get("depth", "") for check in layout.checks.values()} & sizes.keys())
    for turn in range(_DRAWN if sizes else 0):
        among = deep if deep and turn % 2 == 0 else sorted(sizes)
        chosen = {rng.choice(among), *rng.sample(sorted(sizes), turn % 2)}
        changes = {path: rng.choice([sizes[path] + 1, 2 * sizes[path], max(1, sizes[path] // 2)]) for path in chosen}
        config = probe.try_config(changes)
        if config is not None:
            yield changes, json.loads(json.dumps(config.to_dict(), default=str))
        yield {"edited": changes}, changed(whole, changes)
