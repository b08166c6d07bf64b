"""Names that a trace replaces for its duration, so that expressions survive.

Most of Python keeps a symbolic number symbolic (``sum``, ``round``, ``math.ceil`` and ``abs`` ask the number itself),
but ``int(x)``, ``float(x)``, ``range(x)`` and the C functions of :mod:`math` return plain numbers. In the modules whose
code builds the model these names are shadowed by versions that keep the expression. For plain arguments a shadow does
exactly what the original does, so other threads may go on building models.
"""

from __future__ import annotations

import builtins
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import lru_cache, wraps
from types import ModuleType
from typing import Any, Final

from symcount.concolic.python.patches import Patch
from symcount.concolic.values import expression as ex
from symcount.concolic.values.carriers import record_comparison
from symcount.concolic.values.loops import SymbolicRange
from symcount.concolic.values.numbers import SymbolicFloat, SymbolicInt, exact_of, integer, node_of, number
from symcount.concolic.values.operators import OPERATORS, Value
from symcount.concolic.values.path import STATE, record_hash, record_structural

_ABSENT: Final = object()


class _ShadowMeta(type):
    """Makes a class stand in for a built-in type: calls, ``isinstance``, ``issubclass``, ``==``, ``|``, attributes."""

    original: Any
    convert: Any
    instances: tuple[type, ...]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.convert(*args, **kwargs)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.instances)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.original)

    def __eq__(cls, other: object) -> bool:
        return other is cls.original or other is cls

    def __hash__(cls) -> int:
        return hash(cls.original)

    def __or__(cls, other: Any) -> Any:
        return cls.original | other

    def __ror__(cls, other: Any) -> Any:
        return other | cls.original

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.original, name)

    def __repr__(cls) -> str:
        return repr(cls.original)


def shadow_type(original: Any, convert: Callable[..., Any], *more: type) -> Any:
    """A class that behaves like the type ``original`` but is called like ``convert``, which may make *more*."""
    own = {"original": original, "convert": staticmethod(convert), "instances": (original, *more)}
    return _ShadowMeta(original.__name__, (), own)


def unshadowed(value: type) -> Any:
    """The built-in type that a shadow stands in for; any other type itself."""
    return value.original if isinstance(value, _ShadowMeta) else value


def _int(*args: Any, **kwargs: Any) -> int:
    if len(args) == 1:
        value = args[0]
        if isinstance(value, SymbolicInt):
            return value
        if isinstance(value, SymbolicFloat):
            return value.__trunc__()
    return builtins.int(*args, **kwargs)


def _float(*args: Any) -> float:
    if len(args) == 1:
        value = args[0]
        if isinstance(value, SymbolicFloat):
            return value
        if isinstance(value, SymbolicInt):
            return SymbolicFloat.of(builtins.float(value), value.node, builtins.int(value))
    return builtins.float(*args)


def _range(*args: Any) -> Sequence[int]:
    symbolic = [bound for bound in args if isinstance(bound, SymbolicInt)]
    for bound in symbolic:
        record_structural("range", bound.node)
    if not symbolic or STATE.recorder is None:
        return builtins.range(*args)
    frame = sys._getframe(1)
    while frame.f_code.co_filename == __file__ and frame.f_back is not None:
        frame = frame.f_back
    return SymbolicRange(args, f"{frame.f_globals.get('__name__', '?')}:{frame.f_lineno}:{frame.f_lasti}")


def _extremum(original: Callable[..., Any], combine: Callable[[ex.Node, ex.Node], ex.Node]) -> Callable[..., Any]:
    @wraps(original)
    def extremum(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            return original(*args, **kwargs)
        items: Sequence[Any] = list(args[0]) if len(args) == 1 else args
        if not any(isinstance(item, SymbolicInt | SymbolicFloat) for item in items):
            return original(items) if len(args) == 1 else original(*items)
        nodes = [node_of(item) for item in items]
        if any(node is None for node in nodes):
            return original(items)
        # Plain copies are compared, so that the choice leaves no condition: the node is right either way.
        plain = [builtins.int(item) if isinstance(item, builtins.int) else builtins.float(item) for item in items]
        chosen = plain.index(original(plain))
        node = nodes[0]
        for other in nodes[1:]:
            node = combine(node, other)  # type: ignore[arg-type]
        return number(plain[chosen], node, exact_of(items[chosen]))  # type: ignore[arg-type]

    return extremum


def _symbolic_math(
    name: str, node: Callable[..., ex.Node], operands: int = 1, integer_result: bool = False
) -> Callable[..., Any]:
    """``math.name`` that keeps the expression, which ``node`` makes of at least ``operands`` arguments."""
    original = getattr(math, name)

    @wraps(original)
    def function(*args: Any) -> Any:
        value = original(*args)
        nodes = [node_of(argument) for argument in args]
        symbolic = any(isinstance(argument, SymbolicInt | SymbolicFloat) for argument in args)
        if not symbolic or None in nodes or len(args) < operands:
            return _noted_result(value, args)
        result = node(*nodes)
        if integer_result or result.op == "const":
            return integer(value, result) if integer_result else value
        return number(value, result, OPERATORS[result.op](*_exact_arguments(result, nodes, args)))

    return function


def _exact_arguments(result: ex.Node, nodes: Sequence[Any], args: Sequence[Any]) -> list[Value]:
    """The exact values of a result's arguments: constants speak for themselves, the rest are arguments of the call."""
    known = {node: exact_of(argument) for node, argument in zip(nodes, args, strict=True)}
    return [known[node] if node in known else node.args[0] for node in result.args]


_HALF: Final = ex.const(Fraction(1, 2))

#: Shadowed in every module whose code builds configs or models.
BUILTINS: Final[dict[str, Any]] = {
    "int": shadow_type(int, _int),
    "float": shadow_type(float, _float),
    "range": shadow_type(range, _range, SymbolicRange),
    "min": _extremum(min, ex.minimum),
    "max": _extremum(max, ex.maximum),
}


def _noted(node: ex.Node) -> ex.Node:
    """A logarithm of sizes tends to say how many levels a pyramid has; slicing a list with it leaves no other trace."""
    record_structural("log", node)
    return node


def _isclose(a: Any, b: Any, **tolerances: Any) -> bool:
    """``math.isclose``: as it is meant, a question whether two numbers are equal."""
    near = _ISCLOSE(a, b, **tolerances)
    left, right = node_of(a), node_of(b)
    if left is not None and right is not None and left is not right:
        record_comparison("==" if near else "!=", left, right)
    return near


_ISCLOSE: Final = math.isclose


def _noting(name: str) -> Callable[..., Any]:
    """``math.name``, whose result has no expression: that of its arguments is noted."""
    original = getattr(math, name)

    @wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        return _noted_result(original(*args, **kwargs), args)

    return function


def _noted_result(value: Any, arguments: Iterable[Any]) -> Any:
    """The result of a function that no expression has: its arguments are noted, and what it is compared with shows."""
    items = (item for given in arguments for item in (given if isinstance(given, list | tuple) else (given,)))
    symbolic = [item for item in items if isinstance(item, SymbolicInt | SymbolicFloat)]
    for item in symbolic:
        record_structural("log", item.node)
        record_hash(item.node)  # of an index nothing shows any more, as where it is looked up
    if not symbolic or type(value) is not float or not math.isfinite(value):
        return value
    exact_value = ex.exact(value)
    return SymbolicFloat.of(value, ex.const(exact_value), exact_value)


#: Functions of :mod:`math` that no expression has; the others ask the number itself.
_OTHERS: Final = (
    "exp", "exp2", "expm1", "log10", "log1p", "cbrt", "hypot", "dist", "fsum", "fmod", "modf", "frexp", "ldexp",
    "copysign", "remainder", "nextafter", "ulp", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh",
    "tanh", "gamma", "lgamma", "erf", "erfc", "fabs",
)  # fmt: skip


#: Shadowed in :mod:`math` itself and wherever they have been imported by name.
MATH: Final[dict[str, Any]] = {
    "sqrt": _symbolic_math("sqrt", lambda x: ex.power(x, _HALF)),
    "isqrt": _symbolic_math("isqrt", lambda x: ex.floor(ex.power(x, _HALF)), integer_result=True),
    "pow": _symbolic_math("pow", ex.power),
    "gcd": _symbolic_math("gcd", ex.gcd, integer_result=True),
    "log2": _symbolic_math("log2", lambda x: _noted(ex.log(x, ex.const(2)))),
    "log": _symbolic_math("log", lambda *args: _noted(ex.log(*args)), operands=2),
    "isclose": wraps(math.isclose)(_isclose),
}
#: Shadowed in :mod:`math` itself only: to look for all of them in every module takes long.
NOTED: Final[dict[str, Any]] = {name: _noting(name) for name in _OTHERS if hasattr(math, name)}


def _numpy(name: str, convert: Callable[..., Any]) -> Callable[..., Any]:
    """A version of a NumPy function that computes with Python numbers when it is given symbolic ones."""
    import numpy as np

    original = getattr(np, name)

    @wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            value = args[0]
            items = value if isinstance(value, list | tuple) else (value,)
            if any(isinstance(item, SymbolicInt | SymbolicFloat) for item in items):
                return convert(items if name in _OF_MANY else value)
        return original(*args, **kwargs)

    return function


def _schedule(name: str) -> Callable[..., Any]:
    """A NumPy function that makes a number of things which code goes through one by one."""
    import numpy as np

    original = getattr(np, name)

    @wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        for argument in (*args, *kwargs.values()):
            if isinstance(argument, SymbolicInt):
                record_structural("repeat", argument.node)
        return original(*args, **kwargs)

    return function


@lru_cache(maxsize=1)
def _numpy_patches() -> tuple[tuple[str, Any], ...]:
    found = {name: _numpy(name, convert) for name, convert in _NUMPY.items()}
    return tuple({**found, **{name: _schedule(name) for name in ("linspace", "geomspace", "logspace")}}.items())


_NUMPY: Final[dict[str, Callable[..., Any]]] = {
    "prod": math.prod, "sum": sum, "max": BUILTINS["max"], "min": BUILTINS["min"],
    "sqrt": MATH["sqrt"], "log2": MATH["log2"], "ceil": math.ceil, "floor": math.floor, "round": round,
}  # fmt: skip

_OF_MANY: Final = frozenset({"prod", "sum", "max", "min"})  # of a number by itself they are that number


def shadows(modules: Iterable[ModuleType]) -> list[Patch]:
    """The patches that keep expressions alive in ``modules`` and in :mod:`math`."""
    patches = [Patch(math, name, replacement) for name, replacement in (MATH | NOTED).items()]
    if "numpy" in sys.modules:
        patches += [Patch(sys.modules["numpy"], name, replacement) for name, replacement in _numpy_patches()]
    for module in modules:
        namespace = getattr(module, "__dict__", None)
        if namespace is None:
            continue
        for name, replacement in BUILTINS.items():
            if name not in namespace:  # a module's own definition of the name is not ours to replace
                patches.append(Patch(module, name, replacement))
        for name, replacement in MATH.items():
            if namespace.get(name, _ABSENT) is _ORIGINAL_MATH[name]:
                patches.append(Patch(module, name, replacement))
    return patches


_ORIGINAL_MATH: Final = {name: getattr(math, name) for name in MATH}
