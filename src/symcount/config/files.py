"""Config files: what is meant as one, and the JSON object that one has. Nothing here needs SymPy."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from symcount.errors import ConfigError, FileTypeError
from symcount.foreign import guarded

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "ADAPTER",
    "MAX_BYTES",
    "WEIGHTS",
    "is_adapter",
    "is_checkpoint",
    "is_directory",
    "is_file",
    "is_several",
    "load",
    "looks_like_path",
    "parse",
    "untagged",
]

#: Files that say which models a folder has.
SEVERAL = ("model_index.json", "modules.json")

#: The file that says what an adapter of PEFT is, and those beside it once it was merged into its model.
ADAPTER = "adapter_config.json"
_MERGED = ("model.safetensors", "model.safetensors.index.json")

MAX_BYTES = 16 * 2**20  # published configs have a few kilobytes; id2label of the largest heads a megabyte

WEIGHTS = (".safetensors", ".safetensors.index.json", ".gguf")
"""How the names of files of weights end."""

PICKLES = (
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "consolidated.00.pth",
    "tf_model.h5",
    "flax_model.msgpack",
)
"""Files of weights that are not opened: to read them is to run them, or takes the package that wrote them."""


def is_file(path: str | Path) -> bool:
    r"""Whether there is a file of that name.

    >>> is_file("a\0b"), is_file("x" * 10_000)
    (False, False)
    """
    return _holds(os.path.isfile, path)


def is_directory(path: str | Path) -> bool:
    """Whether there is a directory of that name.

    >>> is_directory(""), is_directory(".")
    (False, True)
    """
    return _holds(os.path.isdir, path)


def is_checkpoint(path: Path) -> bool:
    """Whether *path* is a file of weights by its name, or a folder that has one, be it one that is not opened.

    >>> from pathlib import Path
    >>> is_checkpoint(Path("model.safetensors")), is_checkpoint(Path("config.json"))
    (True, False)
    """
    if path.name.endswith(WEIGHTS):
        return True
    try:
        return is_directory(path) and any(p.name.endswith(WEIGHTS) or p.name in PICKLES for p in path.iterdir())
    except OSError:  # it may not be read
        return False


def is_several(path: str | Path) -> bool:
    """Whether *path* is a folder of several models, as diffusers and sentence-transformers have, or its index."""
    if os.path.basename(path) in SEVERAL:
        return is_file(path)
    return is_directory(path) and any(is_file(os.path.join(path, name)) for name in SEVERAL)


def is_adapter(source: str | Path) -> bool:
    """Whether *source* is an adapter's config, or a folder that has one.

    >>> is_adapter("adapter_config.json"), is_adapter("config.json")
    (True, False)
    """
    if not is_directory(source):
        return os.path.basename(source) == ADAPTER
    own, *merged = (is_file(os.path.join(source, name)) for name in (ADAPTER, *_MERGED))
    return own and not any(merged)


def looks_like_path(source: str) -> bool:
    """Whether *source* is meant as a file rather than as a model's name.

    >>> [looks_like_path(s) for s in ("bert", "config.json", "checkpoints/")]
    [False, True, True]
    """
    return source.endswith(".json") or "/" in source or "\\" in source or is_file(source)


def _holds(what: Callable[[str | Path], bool], path: str | Path) -> bool:
    try:
        return what(path)
    except (OSError, ValueError):  # no file can have such a name
        return False


def load(path: str | Path, most: int = MAX_BYTES) -> dict[str, Any]:
    """The JSON object of a file of at most so many bytes.

    Raises:
        ConfigError: there is no such file, it is too large, or it is something else.
        FileTypeError: the same, where it is known what it is.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        from symcount.config.filetypes import of_name

        hint = of_name(str(path)) if isinstance(error, FileNotFoundError) else ""
        raise ConfigError(f"{path}: {error.strerror or error}{'; ' if hint else ''}{hint}") from None
    except ValueError as error:  # of the name
        raise ConfigError(f"{str(path)!r:.80}: no file can have this name: {error}") from None
    if len(data) > most:
        from symcount.config.filetypes import of_bytes

        if said := of_bytes(data):
            raise FileTypeError(f"{path}: {said}")
        raise ConfigError(f"{path}: larger than {most // 2**20} MiB; a config.json has a few kilobytes")
    return parse(data, str(path))


def untagged(item: dict[str, Any]) -> Any:
    """A JSON object, or the float that it stands for: JSON has no infinity, which transformers writes as an object.

    >>> untagged({"__float__": "Infinity"}), untagged({"factor": 2})
    (inf, {'factor': 2})
    """
    value = item.get("__float__") if len(item) == 1 else None
    return float(value) if value in ("Infinity", "-Infinity", "NaN") else item


@guarded
def parse(data: bytes, source: str) -> dict[str, Any]:
    """The JSON object that *data* is.

    Raises:
        ConfigError: it is something else.
        FileTypeError: the same, where it is known what it is.
    """
    import json  # only where a file is read

    try:
        found = json.loads(data, object_hook=untagged if b'"__float__"' in data else None)
    except RecursionError:
        raise ConfigError(f"{source}: nested too deeply; expected a config.json") from None
    except ValueError as error:
        from symcount.config.filetypes import of_bytes

        if said := of_bytes(data):
            raise FileTypeError(f"{source}: {said}") from None
        if isinstance(error, UnicodeDecodeError):
            raise ConfigError(f"{source}: not UTF-8 text; expected a config.json") from None
        if "integer string conversion" in str(error):
            raise ConfigError(f"{source}: a number has more digits than Python reads; expected a config.json") from None
        raise ConfigError(f"{source}: not JSON: {error}") from None
    if not isinstance(found, dict):
        from symcount.config.filetypes import of_json

        if said := of_json(found):
            raise FileTypeError(f"{source}: {said}")
        raise ConfigError(f"{source}: expected a JSON object, got {type(found).__name__}")
    return found
