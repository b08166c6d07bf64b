"""The head of a stored formula that is one tensor with a table of words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from symcount.atlas.codes import identifiers
from symcount.atlas.compiled import compiled
from symcount.core.paths import section_of
from symcount.core.records import Record
from symcount.exact.arithmetic import Number as Value

if TYPE_CHECKING:
    from symcount.atlas.record import Entry
    from symcount.atlas.store import Atlas
    from symcount.atlas.variant import Variant

__all__ = ["TiedHead", "tied_head"]


class TiedHead(Record):
    """A projection onto the vocabulary that has no tensor of its own.

    Attributes:
        name: the path of its weight.
        owner: the path of the tensor that it is.
        section: the dotted path of the sub-config whose numbers are its size, the config itself under the empty path.
        within: whether both are within one part of the model, which has a config of its own.
        paths: the config fields whose numbers its size is made of.
        function: from these numbers to the factors of its size.
    """

    name: str
    owner: str
    section: str
    within: bool
    paths: tuple[str, ...]
    function: Callable[..., tuple[Any, ...]]

    def size(self, values: Mapping[str, Value]) -> int:
        """How many parameters it would have as a tensor of its own."""
        product: Any = 1
        for factor in self.function(*(values[path] for path in self.paths)):
            product *= factor
        return int(product)


def tied_head(atlas: Atlas, entry: Entry, variant: Variant) -> TiedHead | None:
    """The tied head of a stored formula of a class; `None` if it has none, or more than one."""
    from symcount.atlas.trees import rows  # most counts have no note on a head

    stored = rows(atlas.trees(entry.name, entry.model_type), variant.formula.tree)
    tied = [row for row in stored if row.role == "head" and row.alias_of]
    weights = [row for row in tied if len(row.shape) > 1]
    if len(weights) != 1:
        return None
    (row,) = weights
    used = {n for text in row.shape for n in identifiers(text)}
    letters = [(letter, path) for letter, path in zip(variant.letters, variant.paths, strict=True) if letter in used]
    return TiedHead(
        row.path,
        row.alias_of,
        min((section_of(path) for _, path in letters), default=""),
        row.path.partition(".")[0] == row.alias_of.partition(".")[0],
        tuple(path for _, path in letters),
        compiled(list(row.shape), [letter for letter, _ in letters]),
    )
