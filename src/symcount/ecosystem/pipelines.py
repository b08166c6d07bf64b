"""A folder that holds several models: a pipeline of diffusers, or a model of sentence-transformers.

The first says in `model_index.json` which class each of its folders is of; the second in `modules.json` through which
modules a text goes, one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from symcount.config.files import MAX_BYTES, load
from symcount.config.sizes import size_of
from symcount.core.notation import Notation
from symcount.core.tree import Block, Parameter, expr
from symcount.errors import ConfigError, SymcountError
from symcount.formulas.formula import Formula
from symcount.layers import Conv1d, LayerNorm, Linear

__all__ = ["Part", "parts"]

_INDEX: Final = "model_index.json"
_MODULES: Final = "modules.json"
#: Classes of a pipeline that have no parameters.
_EMPTY: Final = ("Scheduler", "Tokenizer", "TokenizerFast", "Processor", "FeatureExtractor", "ImageProcessorFast")
#: Modules of sentence-transformers that have none.
_NONE: Final = ("Pooling", "Normalize", "Dropout", "SpladePooling", "WordWeights", "BoW")
#: Their encoders, where a model of that type has a decoder as well.
_ENCODERS: Final = {"t5": "T5EncoderModel", "mt5": "MT5EncoderModel"}


@dataclass(frozen=True)
class Part:
    """One of the models.

    Attributes:
        name: of its folder.
        kind: its class.
        config: what its config says, with the class that the folder gives it; `None` if it has none.
        layer: of a single layer, its formula.
        error: why it cannot be counted.
    """

    name: str
    kind: str
    config: dict[str, Any] | None = None
    layer: Formula | None = None
    error: SymcountError | None = None


def parts(source: str) -> tuple[str, list[Part]]:
    """What a folder is, and its parts.

    Raises:
        ConfigError: the file that says which parts there are cannot be read.
    """
    path = Path(source)
    folder = path.parent if path.name in (_INDEX, _MODULES) else path
    if (folder / _INDEX).is_file():
        index = load(folder / _INDEX)
        return str(index.get("_class_name", "pipeline")), list(_of_pipeline(folder, index))
    modules = _list(folder / _MODULES)
    return "SentenceTransformer", list(_of_modules(folder, modules))


def _list(file: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(file.read_bytes()[:MAX_BYTES])
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{file}: {error}") from None
    if not isinstance(found, list) or not all(isinstance(m, dict) for m in found):
        raise ConfigError(f"{file}: expected a list of modules")
    return found


def _of_pipeline(folder: Path, index: Mapping[str, Any]) -> Iterator[Part]:
    for name, value in index.items():
        if name.startswith("_") or not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], str):
            continue
        library, kind = value
        if kind.endswith((*_EMPTY, "ImageProcessor")):
            yield Part(name, kind)
            continue
        try:
            yield Part(name, kind, _with_class(folder / name / "config.json", kind, library))
        except SymcountError as error:
            yield Part(name, kind, error=error)


def _with_class(file: Path, kind: str, library: str | None) -> dict[str, Any]:
    """The config of a part, which says of which class the pipeline takes it to be."""
    fields = load(file)
    if library == "diffusers":
        return {**fields, "_class_name": kind}
    if library == "transformers":
        return {**fields, "architectures": [kind]}
    raise ConfigError(f"{file}: {kind} is a class of the pipeline's own code ({library}), which is not counted")


def _of_modules(folder: Path, modules: list[dict[str, Any]]) -> Iterator[Part]:
    for module in modules:
        kind = str(module.get("type", "")).rpartition(".")[2]
        place = folder / str(module.get("path", ""))
        name = str(module.get("path") or module.get("name") or ".")
        if kind in _NONE:
            yield Part(name, kind)
            continue
        try:
            yield _module(name, kind, place / "config.json")
        except SymcountError as error:
            yield Part(name, kind, error=error)


def _module(name: str, kind: str, file: Path) -> Part:
    fields = load(file)
    if kind == "MLMTransformer":
        return Part(name, kind, fields)
    if kind == "Transformer":  # the base model, whatever head it was saved with
        encoder = _ENCODERS.get(str(fields.get("model_type")))
        rest = {key: value for key, value in fields.items() if key != "architectures"}
        return Part(name, kind, rest if encoder is None else {**rest, "architectures": [encoder]})
    if kind not in _LAYERS:
        raise ConfigError(f"{file}: a module {kind!r:.60} of sentence-transformers is not known")
    try:
        return Part(name, kind, layer=Formula(_LAYERS[kind](fields), Notation(()), kind))
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{file}: {type(error).__name__}: {error}; expected a config of {kind}") from None


def _size(fields: Mapping[str, Any], name: str) -> int:
    return size_of(fields.get(name), name)


def _dense(fields: Mapping[str, Any]) -> Block:
    return Linear(_size(fields, "in_features"), _size(fields, "out_features"), bias=bool(fields.get("bias", True)))


def _norm(fields: Mapping[str, Any]) -> Block:
    return LayerNorm(_size(fields, "dimension"))


def _weighted(fields: Mapping[str, Any]) -> Block:
    number = size_of(
        _size(fields, "num_hidden_layers") + 1 - fields.get("layer_start", 4), "num_hidden_layers + 1 - layer_start"
    )
    return Block("", "WeightedLayerPooling", (Parameter("layer_weights", (expr(number),)),))


def _convolutions(fields: Mapping[str, Any]) -> Block:
    inputs, outputs = _size(fields, "in_word_embedding_dimension"), _size(fields, "out_channels")
    sizes = [size_of(k, "kernel_sizes") for k in fields["kernel_sizes"]]
    each = [replace(Conv1d(inputs, outputs, k), name=f"convs.{i}") for i, k in enumerate(sizes)]
    return Block("", "CNN", children=tuple(each))


_LAYERS: Final[dict[str, Callable[[Mapping[str, Any]], Block]]] = {
    "Dense": _dense, "LayerNorm": _norm, "WeightedLayerPooling": _weighted, "CNN": _convolutions,
}  # fmt: skip
