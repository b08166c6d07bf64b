"""What a trace observes: the conditions that held, and the places where a size decided the structure.

The recorder of the running trace is found through a thread-local, so a trace in one thread never sees the arithmetic of
another, and symbolic numbers that outlive their trace are silent.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from weakref import ReferenceType

from symcount.concolic.values.expression import Node, free_symbols
from symcount.concolic.values.rewriting import concrete


@dataclass(frozen=True)
class Condition:
    """Something the code compared, as it turned out.

    Attributes:
        relation: ``<``, ``<=``, ``==``, ``!=``, ``>``, ``>=``; ``divides`` and ``not divides`` (left divides right);
            ``ieee``: floating point gave another integer (right) than exact arithmetic (left) would.
        left: First operand.
        right: Second operand.
        module: Name of the Python module whose code asked. The concern of ``huggingface_hub`` (validation) is rarely
            the concern of a formula.
        exact: Only for ``divides``: True if a ``//`` or ``int(a / b)`` became an exact division because of it, so that
            expressions of the trace contain ``exact_div`` and are valid only where it holds.
    """

    relation: str
    left: Node
    right: Node
    module: str
    exact: bool = False

    @property
    def symbols(self) -> frozenset[str]:
        """The fields that it speaks of."""
        return free_symbols(self.left) | free_symbols(self.right)

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {self.right}"


@dataclass(frozen=True)
class StructuralUse:
    """A symbolic integer that was used up as a plain number of things: how often a loop runs, how long a list is.

    Attributes:
        kind: ``range``, ``repeat`` (list multiplication), ``data`` (it became the content of a real tensor, which
            code may read back as plain numbers), ``log`` (a logarithm of it was taken, or its digits, whose number may
            not change between nearby values), or ``bits`` (some of its bits were asked for).
        node: The number.
        module: Name of the Python module.
    """

    kind: str
    node: Node
    module: str


class Question(NamedTuple):
    """Something the code asked of a value that is no number.

    Attributes:
        field: dotted path of the config field.
        steps: keys and indices that lead to the value in it.
        kind: `begins`, `contains`, `ends`, `equals`, `filled`, `has`, `keys`, `length`, each as it says; or `value`:
            something that only the very value answers.
        argument: what it was compared with, or asked for; lists and objects as the text that JSON has for them.
    """

    field: str
    steps: tuple[str | int, ...]
    kind: str
    argument: str | int | float | None


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop over a symbolic number of iterations; the same place in the code, with the same bounds, is one loop.

    Attributes:
        name: the symbol of its index.
        where: the place in the code.
        bounds: first index, the one after the last, step; an index in them is that of a loop around it.
        outer: the loops around it.
    """

    name: str
    where: str
    bounds: tuple[Node, Node, Node]
    outer: tuple[Loop, ...]

    @staticmethod
    def of(where: str, bounds: tuple[Node, Node, Node], outer: tuple[Loop, ...]) -> Loop:
        """The loop at this place; the same object in every trace."""
        key = where, bounds, outer
        return _LOOPS.get(key) or _LOOPS.setdefault(key, Loop(f"#{len(_LOOPS)}", *key))

    def __reduce__(self) -> tuple[Any, ...]:
        return Loop.of, (self.where, self.bounds, self.outer)

    def __repr__(self) -> str:
        return f"{self.name} from {self.bounds[0]} below {self.bounds[1]} in {self.where}"


_LOOPS: Final[dict[tuple[Any, ...], Loop]] = {}

#: A loop and the value of its index.
Iteration = tuple[Loop, int]


@dataclass
class Recorder:
    """Collects, without duplicates and in order, what happens during one trace.

    Attributes:
        conditions: what was asked, with numbers for the indices of loops.
        structural: where a size was used up as a number of things.
        predicates: what was asked, with the indices of loops as they are.
        loops: the loops that were begun, whether or not they had any iteration.
        turns: how many iterations of each loop there were.
        iterations: where the code is now, the outermost loop first; each with its iterator, which may be gone.
        made: identity of a tensor -> the tensor, held so that no other one gets its identity, and where it was made.
        hashed: loops whose index was looked up in a set or a dict, which asks something that no predicate says.
        texts: loops whose index was written out as a text, of which no predicate says what it is compared with.
        remainders: of an index by a number that is written in the code, which may choose from a table (`kinds[i % 5]`),
            with the module that asks.
        running: whether the code is in a forward pass, where the indices of loops are plain numbers.
        asked: what was asked of texts, objects and lists, where these are observed.
    """

    conditions: dict[tuple[Any, ...], Condition] = field(default_factory=dict)
    structural: dict[tuple[str, Node], StructuralUse] = field(default_factory=dict)
    predicates: dict[tuple[Any, ...], Condition] = field(default_factory=dict)
    loops: dict[Loop, None] = field(default_factory=dict)
    turns: Counter[Loop] = field(default_factory=Counter)
    iterations: list[tuple[Loop, int, ReferenceType[Any]]] = field(default_factory=list)
    made: dict[int, tuple[object, tuple[Iteration, ...]]] = field(default_factory=dict)
    hashed: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    remainders: dict[Node, str] = field(default_factory=dict)
    running: bool = False
    asked: dict[Question, None] = field(default_factory=dict)

    def here(self) -> tuple[Iteration, ...]:
        """In which iterations of which loops the code is, the outermost loop first."""
        while self.iterations and self.iterations[-1][2]() is None:
            del self.iterations[-1]
        return tuple([(loop, value) for loop, value, iterator in self.iterations if iterator() is not None])

    def place(self, tensor: object, where: tuple[Iteration, ...], *, anew: bool = True) -> None:
        """Note in which iterations a tensor was made, unless that is known and it is not made *anew*."""
        if anew or id(tensor) not in self.made:
            self.made[id(tensor)] = tensor, where

    def place_of(self, tensor: object) -> tuple[Iteration, ...]:
        """In which iterations of which loops a tensor was made, the outermost loop first."""
        return self.made.get(id(tensor), (None, ()))[1]


class _State(threading.local):
    recorder: Recorder | None = None


STATE: Final = _State()

#: Modules whose frames are not the place where a comparison was written.
_OWN: Final = "symcount."
#: Their messages contain the numbers that they validate.
_VALIDATION: Final = ("huggingface_hub.", "transformers.configuration_utils")


def _asking_module() -> str:
    """The name of the module whose code led here. Only called the first time something is seen: frames are slow."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_OWN):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "?"))


#: What a comparison is with its sides exchanged.
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def record_condition(relation: str, left: Node, right: Node, *, exact: bool = False, module: str | None = None) -> None:
    """Note that ``left relation right`` held, if a trace is running in this thread.

    Args:
        relation: between the two sides.
        left: one side.
        right: the other side.
        exact: whether it is asked by a division without remainder.
        module: the name of the module that asks; by default the one whose code led here.
    """
    recorder = STATE.recorder
    if recorder is None or (left.op == "const" and right.op == "const"):
        return
    key = (relation, left, right, exact)
    if key in recorder.predicates:
        return
    module = _asking_module() if module is None else module
    recorder.predicates[key] = Condition(relation, left, right, module, exact)
    if left.indexed or right.indexed:
        left, right = concrete(left), concrete(right)
        if left.op == "const" and relation in _MIRRORED:  # as if the index were a plain number, which cannot ask
            relation, left, right = _MIRRORED[relation], right, left
        if left.op == "const" and right.op == "const":
            return
        key = (relation, left, right, exact)
    if key not in recorder.conditions:
        recorder.conditions[key] = Condition(relation, left, right, module, exact)


def record_structural(kind: str, node: Node) -> None:
    """Note that the number ``node`` shaped the structure, if a trace is running in this thread."""
    recorder = STATE.recorder
    if recorder is None:
        return
    node = concrete(node)
    if node.op != "const" and (kind, node) not in recorder.structural:
        module = _asking_module()
        if not module.startswith(_VALIDATION):
            recorder.structural[kind, node] = StructuralUse(kind, node, module)


def record_hash(node: Node) -> None:
    """Note that the index of a loop was hashed, if a trace is running in this thread."""
    recorder = STATE.recorder
    if recorder is not None:
        _note_hashed(node, recorder.hashed)


def record_text(node: Node) -> None:
    """Note that the index of a loop was written out, if a trace is running in this thread."""
    recorder = STATE.recorder
    if recorder is not None:
        _note_hashed(node, recorder.texts)


def record_remainder(node: Node) -> None:
    """Note that a remainder of the index of a loop was computed, if a trace is running in this thread."""
    recorder = STATE.recorder
    if recorder is not None and node not in recorder.remainders:
        recorder.remainders[node] = _asking_module()


def _note_hashed(node: Node, hashed: dict[str, str]) -> None:
    """Note the fields and loops of a hashed expression: tables of positions hash millions, so nothing is rebuilt."""
    if node.op in ("sym", "index"):
        if node.args[0] not in hashed:
            hashed[node.args[0]] = _asking_module()
    elif node.op != "const":
        for part in node.args:
            _note_hashed(part, hashed)
