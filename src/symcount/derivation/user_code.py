"""Code of the user's own by its address: `net.py:Net`, `package.module:Net`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from symcount.errors import ConfigError, UnknownModelError, near
from symcount.foreign import foreign

__all__ = ["address", "load"]

_LOADED: Final[dict[Path, tuple[int, ModuleType]]] = {}


def address(text: str) -> tuple[str, str] | None:
    """The file or module and the name in it of an address; `None` if *text* is none.

    >>> address("models/net.py:Net"), address("models.net:Net"), address("net.py"), address("gpt2")
    (('models/net.py', 'Net'), ('models.net', 'Net'), ('net.py', ''), None)
    """
    home, colon, name = text.rpartition(":")
    if not colon:
        return (text, "") if text.endswith(".py") else None
    dotted = all(part.isidentifier() for part in home.split("."))
    named = all(part.isidentifier() for part in name.split("."))
    return (home, name) if named and (home.endswith(".py") or dotted) else None


def load(text: str) -> Any:
    """What an address names: a class, a function, or any other object. The code there is run, as by `import`.

    Raises:
        ConfigError: there is no such file or module, or it cannot be imported.
        UnknownModelError: it has no such name.
    """
    found = address(text)
    if found is None:
        raise ConfigError(f"{text!r:.80}: expected file.py:Name or package.module:Name")
    home, name = found
    module = _file(Path(home)) if home.endswith(".py") else _module(home)
    if not name:
        return _only_class(module, home)
    value: Any = module
    for part in name.split("."):
        if not hasattr(value, part):
            public = [n for n in vars(module) if not n.startswith("_")]
            raise UnknownModelError(f"{home} has no {name!r}.{near(name, public)}")
        value = getattr(value, part)
    return value


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    path = path.resolve()
    when = path.stat().st_mtime_ns
    if path in _LOADED and _LOADED[path][0] == when:
        return _LOADED[path][1]
    name = f"own_{path.stem}" if path.stem.isidentifier() else "own_code"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path}: expected a file of Python code")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # a dataclass looks for the module in which it is written
    with _guarded(str(path), path.parent):
        spec.loader.exec_module(module)
    _LOADED[path] = when, module
    return module


def _module(name: str) -> ModuleType:
    with _guarded(name, Path.cwd()):
        return importlib.import_module(name)


@contextmanager
def _guarded(what: str, beside: Path) -> Iterator[None]:
    """Import with the files *beside* it within reach, as for a script; whatever it raises is one line."""
    sys.path.insert(0, str(beside))
    try:
        yield
    except (Exception, SystemExit) as error:
        said = foreign(error) if isinstance(error, Exception) else f"it calls exit({error.code})"
        raise ConfigError(f"{what} cannot be imported: {said}") from error
    finally:
        if str(beside) in sys.path:
            sys.path.remove(str(beside))


def _only_class(module: ModuleType, home: str) -> Any:
    """The one class of modules that a file has of its own."""
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and any(base.__module__ == "torch.nn.modules.module" for base in value.__mro__)
    ]
    if len(found) != 1:
        names = ", ".join(f"{home}:{cls.__name__}" for cls in found)
        raise ConfigError(f"{home} has {len(found)} classes of modules; name one: {names or f'{home}:Name'}")
    return found[0]
