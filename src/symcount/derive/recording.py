"""What a trace observes: the conditions that held, and the places where a size decided the structure.

The recorder of the running trace is found through a thread-local, so a trace in one thread never sees the arithmetic of
another, and symbolic numbers that outlive their trace are silent.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass, field
from typing import Any, Final

from symcount.derive.expression import Node


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

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {self.right}"


@dataclass(frozen=True)
class StructuralUse:
    """A symbolic integer that was used up as a plain number of things: how often a loop runs, how long a list is.

    Attributes:
        kind: ``range``, ``repeat`` (list multiplication), ``data`` (it became the content of a real tensor, which
            code may read back as plain numbers), or ``log`` (a logarithm of it was taken, or its digits or bits, whose
            number may not change between nearby values).
        node: The number.
        module: Name of the Python module.
    """

    kind: str
    node: Node
    module: str


@dataclass
class Recorder:
    """Collects, without duplicates and in order, what happens during one trace."""

    conditions: dict[tuple[Any, ...], Condition] = field(default_factory=dict)
    structural: dict[tuple[str, Node], StructuralUse] = field(default_factory=dict)


class _State(threading.local):
    recorder: Recorder | None = None


STATE: Final = _State()

#: Modules whose frames are not the place where a comparison was written.
_OWN: Final = "symcount.derive."
#: Its messages contain the numbers that it validates.
_VALIDATION: Final = "huggingface_hub."


def _asking_module() -> str:
    """The name of the module whose code led here. Only called the first time something is seen: frames are slow."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_OWN):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "?"))


def record_condition(relation: str, left: Node, right: Node, *, exact: bool = False) -> None:
    """Note that ``left relation right`` held, if a trace is running in this thread."""
    recorder = STATE.recorder
    if recorder is None or (left.op == "const" and right.op == "const"):
        return
    key = (relation, left, right, exact)
    if key not in recorder.conditions:
        recorder.conditions[key] = Condition(relation, left, right, _asking_module(), exact)


def record_structural(kind: str, node: Node) -> None:
    """Note that the number ``node`` shaped the structure, if a trace is running in this thread."""
    recorder = STATE.recorder
    if recorder is not None and node.op != "const" and (kind, node) not in recorder.structural:
        module = _asking_module()
        if not module.startswith(_VALIDATION):
            recorder.structural[kind, node] = StructuralUse(kind, node, module)
