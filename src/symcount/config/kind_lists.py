"""Lists that say of which kind each layer is, as numbers: how many layers are of each kind.

A hybrid model's config has a list with an element for each layer (`layer_types = ["mamba", "attention", …]`), a list of
the layers of one kind (`attn_layer_indices = [9, 18, 27]`) or a string with a character for each. Where the tensors
depend on how many layers are of each kind, and not on their order, these numbers are what a formula needs. They are
fields like any other, under the name of the list: `layer_types#attention`. The number of layers is their sum.

A config class is handed an actual list, of course: a :class:`KindList` makes one of any numbers, in an order that
looks random and is another one for other numbers, so that a model in which the order matters betrays itself.

A list of names of which each has a part of the model to itself (the adapters of `languages = ["en_XX", "de_DE"]`) is a
list of one kind: the formula needs to know how many names there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

__all__ = ["FLAGS", "LETTERS", "MARK", "NAMES", "ORDERED", "OTHERS", "KindList", "counted", "field_of", "kinds_of"]

#: Between the name of a list and a kind.
MARK: Final = "#"
#: Seeds of the orders that are the farthest from random: forward, backward.
ORDERED: Final = (-1, -2)
#: The kind of the layers that a list of indices does not name.
OTHERS: Final = "others"
#: The kind of those that it does.
LISTED: Final = "listed"
#: The kind of the elements of a list of names, and the form of such a list.
NAMES: Final = "names"
#: The form of a list of booleans, whose kinds are `true` and `false`, and of a string with a letter for each layer.
FLAGS: Final = "flags"
LETTERS: Final = "letters"


def field_of(path: str, kind: str) -> str:
    """The name of the number of layers of one kind.

    >>> field_of("text_config.layer_types", "full_attention")
    'text_config.layer_types#full_attention'
    """
    return f"{path}{MARK}{kind}"


class KindList(list[Any]):
    """A list of layer kinds that can be made again with other numbers of layers of each kind.

    >>> KindList({"conv": 2, "full_attention": 1}, "num_hidden_layers")
    ['conv', 'conv', 'full_attention']
    >>> indices = KindList({"listed": 2, "others": 3}, "num_hidden_layers", "indices")
    >>> indices.with_numbers({"listed": 1, "others": 3}, -1)
    [0]
    """

    def __init__(self, numbers: Mapping[str, int], depth: str, form: str = "kinds") -> None:
        """Make the list.

        Args:
            numbers: kind -> how many layers are of it, unless other numbers are asked for.
            depth: the config field that is the number of layers, in the same sub-config; empty if there is none.
            form: `kinds`, an element for each layer; `flags`, a boolean for each; `letters`, a string with a letter for
                each; `indices`, those of the layers that are `listed`, in order; `names`, so many names.
        """
        self.numbers = dict(numbers)
        self.depth = depth
        self.form = form
        super().__init__(self.with_numbers(numbers))

    def __reduce__(self) -> tuple[Any, ...]:
        return KindList, (self.numbers, self.depth, self.form)

    def __deepcopy__(self, memo: dict[int, Any]) -> KindList:
        return self

    def with_numbers(self, numbers: Mapping[str, int], seed: int = 0) -> Any:
        """A list, or a string of letters, with these numbers of layers of each kind.

        Args:
            numbers: kind -> number.
            seed: another one gives another order; those of `ORDERED` give one kind after the other.
        """
        kinds = [kind for kind in self.numbers for _ in range(numbers[kind])]
        if self.form == NAMES:  # digits, so that what they name is like the elements of a list
            return [str(i) for i in range(len(kinds))]
        if seed in ORDERED:
            kinds = kinds[:: -1 if seed == ORDERED[1] else 1]
        else:
            from random import Random  # not where lists are only read

            Random(f"{seed} {kinds}").shuffle(kinds)  # not for secrets
        if self.form == FLAGS:
            return [kind == "true" for kind in kinds]
        if self.form == LETTERS:
            return "".join(kinds)
        return [i for i, kind in enumerate(kinds) if kind == LISTED] if self.form == "indices" else kinds


def kinds_of(value: Iterable[Any]) -> list[str]:
    """The kind of each element of a list, or of each letter of a string.

    >>> kinds_of([True, False]), kinds_of("MA")
    (['true', 'false'], ['M', 'A'])
    """
    return [str(x).lower() if isinstance(x, bool) else str(x) for x in value]


def counted(value: Sequence[Any], kinds: Mapping[str, str], depth: int | None, form: str) -> dict[str, int] | str:
    """The number of layers of each kind in a list; or, in words, why it is no such list.

    Args:
        value: the list, as a config has it.
        kinds: an element that it may have -> its kind.
        depth: the number of layers.
        form: see `KindList`.

    >>> counted(["mamba", "attention", "mamba"], {"mamba": "m", "attention": "a"}, 3, "kinds")
    {'m': 2, 'a': 1}
    >>> counted([9, 4], {"listed": "listed", "others": "others"}, 8, "indices")
    'names layer 9, but there are 8 layers, from 0 on'
    >>> counted(["en_XX", "de_DE"], {"names": "names"}, None, "names"), counted(["a", "a"], {}, None, "names")
    ({'names': 2}, 'has a name twice')
    """
    found = dict.fromkeys(kinds.values(), 0)
    if form == NAMES:
        if any(not isinstance(x, str) or not x or "." in x for x in value):
            return "is no list of names"
        if len(set(value)) != len(value):
            return "has a name twice"
        return {NAMES: len(value)}
    if form == "indices":
        if any(type(x) is not int for x in value) or depth is None:
            return "is no list of layers"
        if wrong := [x for x in value if not 0 <= x < depth]:
            return f"names layer {wrong[0]}, but there are {depth} layers, from 0 on"
        if len(set(value)) != len(value):
            return "names a layer twice"
        return {**found, LISTED: len(value), OTHERS: depth - len(value)}
    for x in value:
        if not isinstance(x, str) or x not in kinds:
            return f"has the element {x!r:.40}; expected one of {', '.join(kinds)}"
        found[kinds[x]] += 1
    if depth is not None and len(value) != depth:
        return f"has {len(value)} elements, but there are {depth} layers"
    return found
