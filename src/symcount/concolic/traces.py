"""Traces: what one construction of a model showed, parameter by parameter and question by question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from symcount.concolic.config.symbolic import Number
from symcount.concolic.values.nodes import Node
from symcount.concolic.values.path import Condition, Iteration, Loop, Question, StructuralUse

__all__ = ["Trace", "TracedModule", "TracedParameter", "once_a_trace"]


class TracedParameter(NamedTuple):
    """One name of a parameter.

    Attributes:
        path: Full name, as in ``named_parameters``.
        module_path: Path of the module that holds it.
        name: Last part of the name.
        shape: Each dimension as an expression, or an ``int`` if it is constant (or was lost).
        concrete: The dimensions at this trace's values.
        requires_grad: False for frozen tables.
        tensor_key: Equal for two names exactly if they are names of one tensor (tied weights).
        iterations: In which iterations of which loops it was made, the outermost loop first.
        general: The shape with the symbols of loops in the place of their indices, where any is in it.
    """

    path: str
    module_path: str
    name: str
    shape: tuple[Node | int, ...]
    concrete: tuple[int, ...]
    requires_grad: bool
    tensor_key: int
    iterations: tuple[Iteration, ...] = ()
    general: tuple[Node | int, ...] = ()


class TracedModule(NamedTuple):
    """One path of a module.

    Attributes:
        path: Dotted path, ``""`` for the model itself.
        cls: Its class.
        module_key: Equal for two paths exactly if they lead to one module (shared layers).
    """

    path: str
    cls: type
    module_key: int


@dataclass(eq=False)
class Trace:
    """What one construction of a model showed.

    Attributes:
        parameters: Every parameter name, duplicates included, in the order of
            ``named_parameters(remove_duplicate=False)``.
        modules: Every module path, duplicates included, parents first.
        conditions: What the code compared, as it turned out, in order of first appearance.
        structural: Symbolic numbers that were used as a loop bound or a list length.
        config_reads: Config fields (dotted path) read while the model was constructed, with the first value read.
        absent_reads: Fields that were asked for and do not exist on the config (``getattr(config, "x", default)``).
        symbols: Every symbol (dotted path) with its value in this trace.
        input_embeddings: Path of what ``get_input_embeddings()`` returns, if anything.
        output_embeddings: Path of what ``get_output_embeddings()`` returns, if anything.
        predicates: What the code compared, with the indices of loops as they are; ``conditions`` has their numbers.
        loops: Loops over a symbolic number of iterations.
        hashed: Loops whose index was hashed, with the module whose code did.
        texts: Loops whose index was written out as a text, likewise.
        remainders: Of an index by a number of the code, with the module whose code computed it.
        asked: What was asked of values that are no numbers, where these were observed.
    """

    parameters: list[TracedParameter]
    modules: list[TracedModule]
    conditions: list[Condition]
    structural: list[StructuralUse]
    config_reads: dict[str, Any]
    absent_reads: set[str]
    symbols: dict[str, Number]
    input_embeddings: str | None
    output_embeddings: str | None
    predicates: list[Condition] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    hashed: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    remainders: dict[Node, str] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)


_T = TypeVar("_T")


def once_a_trace(function: Callable[[Trace], _T]) -> Callable[[Trace], _T]:
    """*function* of a trace, computed once for each; the result must not be changed."""
    known: WeakKeyDictionary[Trace, _T] = WeakKeyDictionary()

    @wraps(function)
    def remembered(one: Trace) -> _T:
        if one not in known:
            known[one] = function(one)
        return known[one]

    return remembered
