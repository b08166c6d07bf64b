"""Which modules' code builds configs and models, and so has to be shadowed during a trace."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from types import FunctionType, ModuleType
from typing import Any, Final

#: Parts of a module's last name that never build a model; skipping them keeps a trace cheap in a large process.
_UNRELATED: Final = ("tokenization_", "processing_", "image_processing_", "video_processing_", "feature_extraction_",
                     "convert_", "image_processing_pil_", "processing")  # fmt: skip
#: Modules outside ``transformers.models`` whose code computes sizes.
_SHARED: Final = (
    "transformers.modeling_rope_utils", "transformers.backbone_utils", "transformers.pytorch_utils",
    "transformers.activations", "transformers.modeling_layers", "torch.nn.modules.utils", "torch.nn.modules.conv",
    "torch.nn.modules.rnn", "torch.nn.modules.adaptive", "torch.nn.modules.transformer", "torch.nn.modules.activation",
)  # fmt: skip
#: Packages that are not user code even though a user's class inherits from them.
_FOREIGN: Final = ("torch", "transformers", "builtins", "symcount", "dataclasses", "typing", "abc", "enum", "numpy",
                   "collections", "huggingface_hub")  # fmt: skip


def foreign(name: str) -> bool:
    """Whether the code of a module of that name is neither a model's nor the user's."""
    return name.partition(".")[0] in _FOREIGN and not name.startswith("transformers.models.")


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


def user_modules(classes: Iterable[type]) -> tuple[ModuleType, ...]:
    """The loaded modules of the packages that the user's own classes, and what they inherit from, are defined in."""
    bases = {base for cls in classes for base in cls.__mro__}
    names = {base.__module__ for base in bases if base.__module__.partition(".")[0] not in _FOREIGN}
    packages = tuple({name.partition(".")[0] + "." for name in names})
    loaded = list(sys.modules.items()) if names else []
    found = [m for name, m in loaded if name in names or name.startswith(packages)]
    return (*found, *_loose(bases, {id(vars(module)) for module in found}))


class _Namespace(ModuleType):
    """The global names of code that is in no module: executed text, a notebook's cell, a doctest."""

    def __init__(self, name: str, namespace: dict[str, Any]) -> None:
        super().__init__(name)
        self._namespace = namespace

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        return self._namespace


def _loose(bases: Iterable[type], known: set[int]) -> list[ModuleType]:
    found: dict[int, ModuleType] = {}
    for base in bases:
        if base.__module__.partition(".")[0] in _FOREIGN and base.__module__ != "builtins":
            continue
        for function in vars(base).values():
            if isinstance(function, FunctionType) and id(function.__globals__) not in known:
                home = sys.modules.get(str(function.__globals__.get("__name__")))
                if home is None or vars(home) is not function.__globals__:
                    found[id(function.__globals__)] = _Namespace(base.__module__, function.__globals__)
    return list(found.values())


def defining_modules(classes: Iterable[type]) -> tuple[ModuleType, ...]:
    """The modules in which classes of transformers' models, and what they inherit from, are defined."""
    names = {base.__module__ for cls in classes for base in cls.__mro__}
    return tuple(sys.modules[n] for n in sorted(names) if n.startswith("transformers.models.") and n in sys.modules)
