"""Which modules' code builds configs and models, and so has to be shadowed during a trace."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache, lru_cache
from types import CellType, FunctionType, ModuleType
from typing import Any, Final

#: Parts of a module's last name that never build a model; skipping them keeps a trace cheap in a large process.
_UNRELATED: Final = ("tokenization_", "processing_", "image_processing_", "video_processing_", "feature_extraction_",
                     "convert_", "image_processing_pil_", "processing")  # fmt: skip
#: Modules outside ``transformers.models`` whose code computes sizes.
_SHARED: Final = (
    "transformers.modeling_rope_utils", "transformers.backbone_utils", "transformers.pytorch_utils",
    "transformers.activations", "transformers.modeling_layers", "transformers.cache_utils",
    "torch.nn.modules.utils", "torch.nn.modules.conv",
    "torch.nn.modules.rnn", "torch.nn.modules.adaptive", "torch.nn.modules.transformer", "torch.nn.modules.activation",
)  # fmt: skip
#: Packages that are not user code even though a user's class inherits from them.
_FOREIGN: Final = ("torch", "transformers", "builtins", "symcount", "dataclasses", "typing", "abc", "enum", "numpy",
                   "collections", "huggingface_hub", "sympy", "scipy", "pandas", "PIL", "pytest", "_pytest",
                   "hypothesis")  # fmt: skip
_STANDARD: Final = sys.stdlib_module_names - {"__main__"}


def foreign(name: str) -> bool:
    """Whether the code of a module of that name is neither a model's nor the user's."""
    return name.partition(".")[0] in _FOREIGN and not name.startswith("transformers.models.")


def library(name: str) -> bool:
    """Whether a module of that name is one of transformers, torch, or another package that is no user's code."""
    return name.partition(".")[0] in _FOREIGN


def is_users(name: str) -> bool:
    """Whether a module of that name is one of a model, the user's own or another package's."""
    return not foreign(name) and name.partition(".")[0] not in _STANDARD


#: The number of loaded modules, and the answer it was found with.
_LIBRARY: Final[dict[int, tuple[ModuleType, ...]]] = {}


def library_modules() -> tuple[ModuleType, ...]:
    """The loaded modules of transformers and torch that may compute sizes."""
    count = len(sys.modules)
    if count not in _LIBRARY:
        found = tuple(module for name, module in list(sys.modules.items()) if _computes_sizes(name))
        _LIBRARY.clear()
        _LIBRARY[count] = found
    return _LIBRARY[count]


@cache
def _computes_sizes(name: str) -> bool:
    is_model_code = name.startswith("transformers.models.") and name.count(".") >= 3
    return name in _SHARED or (is_model_code and not name.rpartition(".")[2].startswith(_UNRELATED))


def written(code: Any) -> tuple[Any, ...]:
    """The classes and functions in which *code* is written: a class and what it inherits from, or a function."""
    while not isinstance(code, type | FunctionType):  # what calls another, or binds some of its arguments
        inner = getattr(code, "target", None) or getattr(code, "func", None)
        if inner is None:
            return ()
        code = inner
    return code.__mro__ if isinstance(code, type) else (code,)


def user_modules(classes: Iterable[Any]) -> tuple[ModuleType, ...]:
    """The loaded modules of the packages that the user's own classes, and what they inherit from, are defined in."""
    bases = {base for cls in classes for base in written(cls)}
    used = {function.__module__ for base in bases for function in _functions_of(base)}
    names = {n for n in used | {base.__module__ for base in bases} if n and n.partition(".")[0] not in _FOREIGN}
    found = _with_imported(frozenset(names), len(sys.modules)) if names else ()
    return (*found, *_loose(bases, {id(vars(module)) for module in found}))


@lru_cache(maxsize=64)
def _with_imported(names: frozenset[str], loaded: int) -> tuple[ModuleType, ...]:
    """The modules of these *names*, the rest of their packages, and those whose classes, functions or names they use.

    Of a package that is only used, what is used is enough: a project imports many, and a trace shadows each module.

    Args:
        names: of modules.
        loaded: the number of loaded modules, with which the answer may change.
    """
    found: dict[str, ModuleType] = {}
    packages = tuple({name.partition(".")[0] + "." for name in names})
    waiting = [*names, *(name for name in sys.modules if name.startswith(packages))]
    while waiting:
        name = waiting.pop()
        if name in found or name not in sys.modules:
            continue
        found[name] = module = sys.modules[name]
        for value in list(getattr(module, "__dict__", {}).values()):
            used = value.__name__ if isinstance(value, ModuleType) else _home(value)
            if used and used not in found and not foreign(used) and used.partition(".")[0] not in _STANDARD:
                waiting.append(used)
    return tuple(found.values())


def _home(value: object) -> str:
    """The name of the module in which a class or a function was written."""
    return str(getattr(value, "__module__", None) or "") if isinstance(value, type | FunctionType) else ""


class _Namespace(ModuleType):
    """The global names of code that is in no module: executed text, a notebook's cell, a doctest."""

    def __init__(self, name: str, namespace: dict[str, Any]) -> None:
        super().__init__(name)
        self._namespace = namespace

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        return self._namespace


def _functions_of(base: Any) -> list[FunctionType]:
    """The methods of a class, or a function itself, and those that they have from the function around them."""
    found: dict[int, FunctionType] = {}
    waiting = list(vars(base).values()) if isinstance(base, type) else [base]
    while waiting:
        value = waiting.pop()
        if isinstance(value, FunctionType) and id(value) not in found:
            found[id(value)] = value
            waiting += [cell.cell_contents for cell in value.__closure__ or () if _filled(cell)]
    return list(found.values())


def _filled(cell: CellType) -> bool:
    """Whether a variable of the function around another one has a value."""
    try:
        cell.cell_contents  # noqa: B018  # the only way to ask
    except ValueError:
        return False
    return True


def _loose(bases: Iterable[Any], known: set[int]) -> list[ModuleType]:
    found: dict[int, ModuleType] = {}
    for base in bases:
        if base.__module__.partition(".")[0] in _FOREIGN and base.__module__ != "builtins":
            continue
        for function in _functions_of(base):
            if id(function.__globals__) not in known:
                home = sys.modules.get(str(function.__globals__.get("__name__")))
                if home is None or vars(home) is not function.__globals__:
                    found[id(function.__globals__)] = _Namespace(base.__module__, function.__globals__)
    return list(found.values())


def defining_modules(classes: Iterable[Any]) -> tuple[ModuleType, ...]:
    """The loaded modules of the packages in which classes of transformers' models and configs, and their bases, are.

    Of a tower only the config's class is known before it is made; its model stands beside it.
    """
    names = {base.__module__ for cls in classes for base in written(cls)}
    packages = tuple({n.rpartition(".")[0] + "." for n in names if n.startswith("transformers.models.")})
    return tuple(module for module in library_modules() if module.__name__.startswith(packages)) if packages else ()
