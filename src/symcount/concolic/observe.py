"""One trace: construct a model once with symbolic sizes and read every parameter's symbolic shape.

>>> from transformers import BertConfig, BertModel                       # doctest: +SKIP
>>> trace(BertModel, BertConfig).parameters[0]                           # doctest: +SKIP
TracedParameter(path='embeddings.word_embeddings.weight', shape=(<vocab_size>, <hidden_size>), ...)

A dim that is a plain ``int`` is a constant, or an expression that was lost; tracing at a second point tells which.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from types import ModuleType
from typing import Any, Final
from weakref import WeakKeyDictionary

from symcount.concolic.config.config_source import ConfigSource
from symcount.concolic.config.reads import Reads
from symcount.concolic.config.source import source_of
from symcount.concolic.config.symbolic import Number, build, config_classes
from symcount.concolic.python.builtins import shadows
from symcount.concolic.python.literals import literals
from symcount.concolic.python.modules import defining_modules, library, library_modules, user_modules
from symcount.concolic.python.patches import Patch, Patches
from symcount.concolic.refusals import ConfigRefusedError
from symcount.concolic.session import current, quiet
from symcount.concolic.tensors.mode import TENSORS, Tracker, tracing_mode
from symcount.concolic.traces import Trace, TracedModule, TracedParameter
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node, Value, evaluate, value_at
from symcount.concolic.values.numbers import SymbolicInt
from symcount.concolic.values.path import STATE, Iteration, Recorder
from symcount.concolic.values.rewriting import concrete, rebuilt
from symcount.errors import DerivationError

__all__ = ["trace"]

#: Traces replace names in shared modules, so only one runs at a time. Re-entrant: a traced model may trace another.
_LOCK: Final = threading.RLock()


def trace(
    cls: type,
    config: Any = None,
    *,
    values: Mapping[str, Number] | None = None,
    frozen: Collection[str] = (),
    limit: int | None = None,
    observing: bool = False,
    watched: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> Trace:
    """Construct ``cls(config)`` on the meta device with symbolic numbers in the config.

    Args:
        cls: A transformers model class, or any ``torch.nn.Module`` class whose only argument is a config.
        config: A config class, an instance, a pair ``(class, keyword arguments)``, keyword arguments for the
            ``config_class`` of ``cls``, or ``None`` for that class's defaults.
        values: Concrete values by dotted path, overriding defaults and ``config``. Giving a field that is ``None`` by
            default makes it a symbol of its own.
        frozen: Dotted paths of fields that stay plain numbers.
        limit: Give up where the model turns out to have more tensors than this.
        observing: Record what is asked of the values that are no numbers, too.
        watched: What is entered while the code of the config and of the model runs.

    Raises:
        DerivationError: if ``cls`` cannot be constructed; the original exception is its cause.
    """
    source = source_of(config, cls)
    with _LOCK, quiet():
        for _ in range(3):
            loaded = library_modules()
            result = _attempt(cls, source, values or {}, frozen, limit, watched, observing=observing)
            # A model may import the code of another while it is being constructed (AutoModel.from_config). That code
            # was not shadowed, so once it is there, the trace is repeated.
            if len(library_modules()) == len(loaded) and not _strangers(cls, result):
                break
    return result


#: Classes of the modules of a model that were written in places that the model's own module does not name.
_PARTS: Final[WeakKeyDictionary[type, set[type]]] = WeakKeyDictionary()


def _strangers(cls: type, one: Trace) -> bool:
    """Whether modules of the model are of classes whose code was not shadowed; the next time it will be."""
    parts = {m.cls for m in one.modules if not library(m.cls.__module__)}
    known = _PARTS.setdefault(cls, set())
    if parts <= known:
        return False
    shadowed = {module.__name__ for module in user_modules((cls, *known))}
    known |= parts
    return any(c.__module__ not in shadowed for c in parts)


def _attempt(
    cls: type,
    source: ConfigSource,
    values: Mapping[str, Number],
    frozen: Collection[str],
    limit: int | None,
    watched: Callable[[], AbstractContextManager[Any]],
    *,
    observing: bool,
) -> Trace:

    recorder, tracker, outer = Recorder(), Tracker(limit), (STATE.recorder, TENSORS.tracker)
    refused: type[DerivationError] = DerivationError
    try:
        classes = config_classes(source)
        own = user_modules((cls, *classes, *_PARTS.get(cls, ())))
        computing = (*defining_modules((cls, *classes)), *own)
        with Patches(_shadowing((*library_modules(), *own), computing, current())), watched():
            STATE.recorder, refused = recorder, ConfigRefusedError
            symbolic = build(source, values, frozen, followed=True, observing=observing)
            refused = DerivationError
            reads = Reads(symbolic, observing=observing)
            with Patches(reads.patches()), tracing_mode(tracker):
                TENSORS.tracker = tracker
                model = cls(symbolic.config)
    except Exception as error:  # whatever a constructor raises, it means that this model cannot be traced at this point
        if isinstance(error, DerivationError):
            raise
        message = f"{cls.__name__} cannot be constructed at these values: {type(error).__name__}: {error}"
        raise refused(message) from error
    finally:
        STATE.recorder, TENSORS.tracker = outer
    found = list(_modules(model))
    modules = [TracedModule(path, type(module), id(module)) for path, module in found]
    by_key = {id(module): path for path, module in reversed(found)}
    # the model itself is not kept: many traces of one class would fill the memory with its tensors
    return Trace(
        parameters=list(_parameters(found, tracker, recorder, symbolic.symbols | reads.labels)),
        modules=modules,
        conditions=list(recorder.conditions.values()),
        structural=list(recorder.structural.values()),
        config_reads=reads.values,
        absent_reads=reads.absent,
        symbols=symbolic.symbols | reads.labels,
        input_embeddings=_embedding_path(model, "get_input_embeddings", by_key),
        output_embeddings=_embedding_path(model, "get_output_embeddings", by_key),
        predicates=list(recorder.predicates.values()),
        loops=list(recorder.loops),
        hashed=recorder.hashed,
        texts=recorder.texts,
        remainders=recorder.remainders,
        asked=list(recorder.asked),
    )


@lru_cache(maxsize=1)
def _shadowing(reading: tuple[ModuleType, ...], computing: tuple[ModuleType, ...], _block: object) -> tuple[Patch, ...]:
    """The patches of a trace, of one block after the other: looking for functions takes longer than many a trace.

    Args:
        reading: modules whose code calls what is shadowed.
        computing: modules with literals to replace.
        _block: in which the traces are made; after it somebody may have changed a module.
    """
    return *shadows(reading), *literals(computing)


def _modules(root: Any) -> Iterator[tuple[str, Any]]:
    """All paths of all modules in registration order, like ``named_modules(remove_duplicate=False)``."""
    stack: list[tuple[str, Any]] = [("", root)]
    while stack:
        path, module = stack.pop()
        yield path, module
        if module._modules:
            prefix = f"{path}." if path else ""
            children = [(prefix + name, child) for name, child in module._modules.items() if child is not None]
            stack.extend(reversed(children))


def _parameters(
    modules: list[tuple[str, Any]], tracker: Tracker, recorder: Recorder, symbols: Mapping[str, Number]
) -> Iterator[TracedParameter]:
    memo: dict[Node, Value] = {}
    known: dict[tuple[Any, ...], tuple[Node | int, ...]] = {}  # the layers of a model share their shapes
    for owner, module in modules:
        for name, tensor in module._parameters.items():
            if tensor is None:
                continue
            try:
                sizes = tuple(tensor.shape)
            except RuntimeError:
                raise DerivationError(_unsized(owner, module, name)) from None
            sized = tracker.shape_of(tensor)
            dims = tuple([_size(dim) for dim in sized])
            shape = known.get((dims, sizes))
            if shape is None:
                shape = known[dims, sizes] = _checked(dims, sizes, symbols, memo)
            path = f"{owner}.{name}" if owner else name
            made = recorder.place_of(tensor)
            general = _general(sized, shape, made, recorder, symbols)
            yield TracedParameter(path, owner, name, shape, sizes, tensor.requires_grad, id(tensor), made, general)


def _size(dim: int) -> Node | int:
    """A dimension as an expression of the config's fields, or as a number."""
    if type(dim) is not SymbolicInt:
        return dim
    node = concrete(dim.node)
    return int(dim) if node.op == "const" else node


def _general(
    sized: Sequence[int],
    shape: tuple[Node | int, ...],
    made: tuple[Iteration, ...],
    recorder: Recorder,
    symbols: Mapping[str, Number],
) -> tuple[Node | int, ...]:
    """The shape with the symbols of loops, as far as it is proved; nothing where no index is in it.

    An index that an earlier iteration left is so many less than that of the iteration in which the tensor was made;
    one of a loop that has ended, so many less than the loop's end.
    """
    if len(sized) != len(shape) or not any(type(dim) is SymbolicInt and dim.node.indexed for dim in sized):
        return ()
    here = {loop.name: index for loop, index in made}
    ended = {loop.name: loop for loop in recorder.loops if loop.name not in here}

    def leaf(node: Node) -> Node:
        if node.op != "index":
            return node
        name, value = node.args
        if name in here:
            return ex.add(ex.symbol(name), ex.const(value - here[name]))
        last = value_at(ended[name].bounds[1], symbols)
        return node if last is None else ex.add(ended[name].bounds[1], ex.const(value - last))

    memo: dict[Node, Node] = {}
    found: list[Node | int] = []
    for dim, proved in zip(sized, shape, strict=True):
        node = rebuilt(dim.node, leaf, memo) if type(dim) is SymbolicInt and dim.node.indexed else None
        if node is not None and (node.indexed or (not isinstance(proved, Node) and proved != int(dim))):
            return ()
        found.append(proved if node is None else node)
    return tuple(found)


def _unsized(owner: str, module: Any, name: str) -> str:
    """What to say of a parameter that has no size until the model has run, as those of `LazyLinear` have none."""
    kind = type(module).__name__
    return (
        f"{owner or 'the model'} ({kind}) has no size for {name} before a forward pass; "
        f"give the size: {kind.removeprefix('Lazy')} instead of {kind}"
    )


def _checked(
    dims: tuple[Node | int, ...], sizes: tuple[int, ...], symbols: Mapping[str, Number], memo: dict[Node, Value]
) -> tuple[Node | int, ...]:
    """The shape as expressions, each proved to have the tensor's real size as its value; otherwise the real size."""
    if len(dims) != len(sizes):
        return sizes
    shape: list[Node | int] = []
    for dim, size in zip(dims, sizes, strict=True):
        if not isinstance(dim, Node):
            shape.append(size)
            continue
        try:
            shape.append(dim if evaluate(dim, symbols, memo) == size else size)
        except (DerivationError, ArithmeticError):
            shape.append(size)
    return tuple(shape)


def _embedding_path(model: Any, getter: str, by_key: Mapping[int, str]) -> str | None:
    try:
        return by_key.get(id(getattr(model, getter)()))
    except Exception:  # noqa: BLE001  # models without such a layer raise whatever they like; the answer is "none"
        return None
