"""Models of packages beside transformers: classes of diffusers, names of timm, and the files that these packages write.

timm makes a model by a name, behind which stands a class with arguments; these are what its constructor is called with.
"""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from symcount.concolic.python.patches import Patch, Patches
from symcount.concolic.session import quiet
from symcount.config.files import load
from symcount.errors import ConfigError, DependencyError, UnknownModelError, near
from symcount.foreign import foreign

__all__ = ["arguments_in", "named", "packaged", "timm_name"]

_TIMM: Final = "timm/"


def packaged(source: Any, config: Any, options: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]] | None:
    """Class, config and options of what *source* names in another package; `None` if it names nothing there.

    Args:
        source: a class of diffusers; `timm/NAME`; a file of theirs, or what is in it.
        config: of a class, its config.
        options: arguments that differ.

    Raises:
        DependencyError: the package is not installed.
        UnknownModelError: it has no such model.
    """
    if isinstance(source, str | Path) and str(source).endswith(".json") and Path(source).is_file():
        source = load(Path(source))
    if isinstance(source, Mapping):
        return _of_file(source, options)
    if isinstance(source, type) and _is_diffusers(source):
        return source, arguments_in(source, config), dict(options)
    if isinstance(source, str) and source.startswith(_TIMM):
        return *_timm(timm_name(source), options), {}
    return None


def named(source: str, config: Any, options: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]] | None:
    """Class, config and options of what a name without its package means in timm or diffusers; `None` if nothing."""
    if name := timm_name(source):
        return *_timm(name, options), {}
    if not source.isidentifier():
        return None
    if (cls := _diffusers(source)) is not None:
        return cls, arguments_in(cls, config), dict(options)
    if source.endswith("Pipeline") and find_spec("diffusers") is not None:
        raise UnknownModelError(
            f"{source:.80} is a pipeline of several models; count its folder, where model_index.json is, or one of them"
        )
    return None


def _of_file(fields: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]] | None:
    """What a config of diffusers or timm is of."""
    if isinstance(name := fields.get("_class_name"), str):
        cls = _diffusers(name, needed=True)
        return cls, arguments_in(cls, fields), dict(options)
    if isinstance(name := fields.get("architecture"), str) and "model_type" not in fields:
        given = fields.get("model_args")
        arguments = dict(given) if isinstance(given, Mapping) else {}
        if isinstance(number := fields.get("num_classes"), int):
            arguments.setdefault("num_classes", number)
        return *_timm(name, {**arguments, **options}), {}
    return None


def arguments_in(cls: Any, config: Any) -> Any:
    """The arguments of a class of diffusers among what a file says: without its notes, and what the class ignores."""
    if isinstance(config, str | Path):
        config = load(Path(config))
    if not isinstance(config, Mapping) or not _is_diffusers(cls):
        return config
    known = inspect.signature(cls.__init__).parameters
    ignored = {*getattr(cls, "ignore_for_config", ()), *(name for name in config if name.startswith("_"))}
    return {name: value for name, value in config.items() if name in known and name not in ignored}


def _is_diffusers(cls: Any) -> bool:
    return any(base.__module__ == "diffusers.configuration_utils" for base in getattr(cls, "__mro__", ()))


def _diffusers(name: str, *, needed: bool = False) -> Any:
    """The class of diffusers of that name; `None` if there is none, unless it is *needed*."""
    try:
        package = importlib.import_module("diffusers")
        found = getattr(package, name, None)
    except ImportError as error:
        if needed:
            raise DependencyError(f"{name} needs diffusers ({error}): pip install diffusers") from None
        return None
    if found is None or not isinstance(found, type) or not _is_diffusers(found) or not hasattr(found, "forward"):
        if needed:
            raise UnknownModelError(f"diffusers {package.__version__} has no model {name!r:.80}")
        return None
    return found


def timm_name(text: str) -> str:
    """The name of a model of timm in *text*, without its tag of weights; empty if it is none.

    A name without `timm/` before it is one if timm is installed and has such a model.
    """
    if text.startswith(_TIMM):
        return text.removeprefix(_TIMM).partition(".")[0]
    name = text.partition(".")[0]
    if not name.isidentifier() or ("_" not in name and not any(c.isdigit() for c in name)):
        return ""
    try:
        timm = importlib.import_module("timm")
    except ImportError:
        return ""
    return name if timm.is_model(name) else ""


def _timm(name: str, options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The class of a model of timm, and what its constructor is called with.

    Raises:
        DependencyError: timm is not installed.
        UnknownModelError: it has no such model.
    """
    import torch

    try:
        timm = importlib.import_module("timm")
    except ImportError as error:
        raise DependencyError(f"{name} needs timm ({error}): pip install timm") from None
    if not timm.is_model(name):
        raise UnknownModelError(f"timm {timm.__version__} has no model {name!r:.80}.{near(name, timm.list_models())}")
    try:
        with quiet(), torch.device("meta"):
            cls = type(timm.create_model(name, **options))
            return cls, called_with(lambda: timm.create_model(name, **options), cls)
    except Exception as error:
        raise ConfigError(f"timm does not make {name} of these arguments: {foreign(error)}") from error


def called_with(make: Callable[[], Any], cls: Any) -> dict[str, Any]:
    """The arguments with which *make* calls the constructor of its result, which is of class *cls*."""
    original = cls.__init__
    calls: list[tuple[Any, dict[str, Any]]] = []

    @wraps(original)
    def constructor(self: Any, *args: Any, **kwargs: Any) -> None:
        if type(self) is cls:
            bound = inspect.signature(original).bind(self, *args, **kwargs)
            given = dict(list(bound.arguments.items())[1:])
            variable = [p.name for p in bound.signature.parameters.values() if p.kind == p.VAR_KEYWORD]
            for collected in variable:
                given.update(given.pop(collected, {}))
            calls.append((self, {name: _copied(value) for name, value in given.items()}))
        original(self, *args, **kwargs)

    with Patches([Patch(cls, "__init__", constructor)]):
        made = make()
    return next(given for instance, given in calls if instance is made)


def _copied(value: Any) -> Any:
    """A copy of what the constructor may change."""
    return copy.deepcopy(value) if isinstance(value, list | tuple | dict) else value
