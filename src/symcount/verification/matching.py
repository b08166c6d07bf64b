"""Matching a model's tensors with the rows of a ledger: by path, by evaluated shape, by multiplicity, by memory.

A row's path has `*` for the index in a list and stands for `repeat` tensors. Several rows may share a path, for
example the dense and the sparse layers of one list; their multiplicities add up.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sympy import Expr

from symcount.core.instances import instances
from symcount.core.ledger import Row

__all__ = ["INDEX", "Tensor", "match", "match_shapes", "pattern", "template"]

INDEX = re.compile(r"(?<![^.])\d+(?![^.])")
"""An index of a list in a name."""
_PART = re.compile(r"[^.]\*|\*[^.]")  # an index that is a part of a name


@dataclass(frozen=True)
class Tensor:
    """One parameter name of the model or of the formula, and whether both agree about it.

    Attributes:
        name: as in `named_parameters()`; with `*` for a tensor that only the formula has.
        row: the formula's row; `None` for a tensor that only the model has.
        expected: the shape that the formula gives; `None` where it has no such tensor.
        actual: the model's shape; `None` where it has no such tensor.
        tied_to: the first name of the same tensor in the model, where there are several.
        difference: what differs; empty when nothing does.
        times: how many tensors that the model does not have are meant.
    """

    name: str
    row: Row | None
    expected: tuple[int, ...] | None
    actual: tuple[int, ...] | None
    tied_to: str | None = None
    difference: str = ""
    times: int = 1

    def __str__(self) -> str:
        return f"{self.name}: {self.difference or 'exact'}"


def match(rows: Sequence[Row], values: Mapping[str, Any], model: Any) -> tuple[Tensor, ...]:
    """Every parameter name of *model*, in its order, then what only *rows* have; `values` are by letter."""
    named = dict(model.named_parameters(remove_duplicate=False))
    matched = match_shapes(rows, values, {name: tuple(p.shape) for name, p in named.items()})
    checked = [
        replace(t, difference=_frozen(t.row, named[t.name].requires_grad)) if t.row and t.actual == t.expected else t
        for t in matched
    ]
    return tuple(_tied(checked, model))


def match_shapes(
    rows: Sequence[Row], values: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], where: str = "model"
) -> list[Tensor]:
    """Assign every name of *shapes* to a row of its path and shape, rows with the fewest `*` first.

    Args:
        rows: of the ledger.
        values: by letter.
        shapes: name -> shape of what there is.
        where: what has these names, for the messages.
    """
    free = dict(shapes)
    by_template: dict[str, list[str]] = defaultdict(list)
    found: dict[str, Tensor] = {}
    missing: list[tuple[Row, tuple[int, ...], int]] = []
    for name in free:
        by_template[template(name)].append(name)
    each = ((row, *one) for row in sorted(rows, key=lambda r: r.tensor.count("*")) for one in instances(row, values))
    for row, shape, number in each:
        fits, wanted = pattern(row.tensor), number
        for name in _candidates(row.tensor, by_template):
            if wanted == 0:
                break
            if free.get(name) == shape and (fits is None or fits.fullmatch(name)):
                del free[name]
                found[name] = Tensor(name, row, shape, shape)
                wanted -= 1
        if wanted:
            missing.append((row, shape, wanted))
    absent: list[Tensor] = []
    for row, shape, wanted in missing:  # names of the right path but of another shape
        fits = pattern(row.tensor)
        others = [n for n in _candidates(row.tensor, by_template) if n in free and (fits is None or fits.fullmatch(n))]
        others = others[:wanted]
        for name in others:
            actual = free.pop(name)
            text = f"shape is {_shape(actual)} in the {where}, {_shape(row.shape)} = {_shape(shape)} in the formula"
            found[name] = Tensor(name, row, shape, actual, difference=text)
        if lacking := wanted - len(others):
            times = f"{lacking} times " if lacking > 1 else ""
            text = f"in the formula {times}with shape {_shape(row.shape)} = {_shape(shape)}, missing in the {where}"
            absent.append(Tensor(row.tensor, row, shape, None, difference=text, times=lacking))
    for name, actual in free.items():
        text = f"in the {where} with shape {_shape(actual)}, missing in the formula"
        found[name] = Tensor(name, None, None, actual, difference=text)
    return [*(found[name] for name in shapes), *absent]


def template(name: str) -> str:
    """*name* with `*` for the indices of lists.

    >>> template("model.layers.3.mlp.up.weight")
    'model.layers.*.mlp.up.weight'
    """
    return INDEX.sub("*", name)


def pattern(path: str) -> re.Pattern[str] | None:
    """What the names of a row match beyond having its template; `None` if nothing.

    A path may have an index that is fixed, or one that is a part of a name:

    >>> pattern("layers.*.weight") is None
    True
    >>> bool(pattern("hash_*.weight").fullmatch("hash_3.weight"))
    True
    """
    if template(path) == path and not _PART.search(path):
        return None
    return re.compile(r"\d+".join(map(re.escape, path.split("*"))))


def _candidates(path: str, by_template: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """The names that a row may stand for, as far as their templates say."""
    if not _PART.search(path):
        return by_template.get(template(path), ())
    alike = re.compile(r"(?:\d+|\*)".join(map(re.escape, template(path).split("*"))))
    return [name for found, names in by_template.items() if alike.fullmatch(found) for name in names]


def _frozen(row: Row, requires_grad: bool) -> str:
    if row.trainable == requires_grad:
        return ""
    return f"{'trainable' if requires_grad else 'frozen'} in the model, not so in the formula"


def _shape(shape: Iterable[Expr | int]) -> str:
    return f"({', '.join(map(str, shape))})"


def _tied(tensors: Sequence[Tensor], model: Any) -> list[Tensor]:
    """Compare which names share memory: in the model by identity, in the formula by `alias_of`."""
    memory = {name: id(p) for name, p in model.named_parameters(remove_duplicate=False)}
    names: dict[int, list[Tensor]] = defaultdict(list)
    owned: dict[str, set[int]] = defaultdict(set)
    for tensor in tensors:
        if tensor.name in memory:
            names[memory[tensor.name]].append(tensor)
            if tensor.row is not None and tensor.row.alias_of is None:
                owned[tensor.row.tensor].add(memory[tensor.name])
    result = []
    for tensor in tensors:
        row = tensor.row
        if row is None or tensor.actual is None:
            result.append(tensor)
            continue
        address = memory[tensor.name]
        first = names[address][0]
        checked = replace(tensor, tied_to=None if first is tensor else first.name)
        if not tensor.difference:
            checked = replace(checked, difference=_sharing(tensor, row, names[address], address, owned))
        result.append(checked)
    return result


def _sharing(tensor: Tensor, row: Row, holders: Sequence[Tensor], address: int, owned: Mapping[str, set[int]]) -> str:
    if row.alias_of is not None:
        if address in owned.get(row.alias_of, ()):
            return ""
        return f"tied to {row.alias_of} in the formula, a tensor of its own or tied to another in the model"
    for other in holders:
        if other is not tensor and other.row is not None and other.row.alias_of != row.tensor:
            return f"shares memory with {other.name} in the model, not tied in the formula"
    return ""
