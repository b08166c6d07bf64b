"""The real model: built by transformers from a config, and counted without any help of the ledger.

torch and transformers are imported inside the functions. On the meta device nothing is allocated, so that a model
of any size can be built; on the CPU the tensors exist.

Every number here comes from walking the model's own modules and tensors, so that it can disagree with the formula.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any, Literal, get_args

from symcount.errors import ConfigError, DependencyError, UnknownModelError
from symcount.verification.nesting import nested

__all__ = [
    "Device",
    "attribute",
    "build",
    "config_class",
    "config_of",
    "constructor_options",
    "family",
    "has_experts",
    "is_text_of",
    "make_config",
    "model_class",
    "torchinfo_total",
    "totals",
]

Device = Literal["meta", "cpu"]

# of a config.json: what says which config class it is, not what the class is told
_LABELS = ("model_type", "architectures", "transformers_version", "_name_or_path")


def transformers(wanting: str = "the real model") -> Any:
    """The transformers package; *wanting* says for the message what needs it.

    Raises:
        DependencyError: it, or torch, is not installed.
    """
    try:
        import_module("torch")
        return import_module("transformers")
    except ImportError as error:
        raise DependencyError(
            f'{wanting} needs {error.name or "transformers"}, which is not installed: pip install "symcount[hf]"'
        ) from None


def model_class(name: str, model_type: str = "") -> Any:
    """The class called *name*, from the package or from the modelling modules of *model_type*.

    Raises:
        DependencyError: torch or transformers is missing.
        UnknownModelError: transformers has no such class.
    """
    package = transformers()
    found = getattr(package, name, None)
    if found is None and model_type:
        mapping = import_module("transformers.models.auto.configuration_auto")
        folder = mapping.model_type_to_module_name(model_type)
        for part in (f"modeling_{folder.rpartition('.')[2]}", ""):
            try:
                module = import_module(".".join(p for p in ("transformers.models", folder, part) if p))
            except ImportError:
                continue
            found = getattr(module, name, None)
            if found is not None:
                break
    if not isinstance(found, type):
        raise UnknownModelError(f"transformers {package.__version__} has no model class {name!r}")
    return found


def config_class(model: Any, model_type: Any = None) -> Any:
    """The config class by which a file for *model* is read that says *model_type*: as transformers' auto classes do.

    A class may be that of several model types, each with a config class of its own (`LlamaModel`: also of InternLM3).
    Of a composite config the class may be the text model. Where transformers does not know the model type, the
    repository has code of its own, and the class reads the file as its own.

    Raises:
        ConfigError: the model type is that of other classes.
    """
    own = getattr(model, "config_class", None)
    mapping = import_module("transformers.models.auto.configuration_auto").CONFIG_MAPPING
    if own is None or not isinstance(model_type, str) or model_type not in mapping:
        return own
    found = mapping[model_type]
    if found is own or is_text_of(own, found) or model.__name__ in family(model_type):
        return found
    raise ConfigError(
        f"this is a config of {model_type}, but the formula is of {own.model_type}; "
        f"use its own formula: symcount.formula({model_type!r})"
    )


def is_text_of(inner: Any, outer: Any) -> bool:
    """Whether configs of the class *outer* have one of the class *inner* for their text model."""
    return inner is not None and (getattr(outer, "sub_configs", None) or {}).get("text_config") is inner


@cache
def family(model_type: str) -> frozenset[str]:
    """The names of the model classes that transformers' auto mappings have for a model type."""
    auto = import_module("transformers.models.auto.modeling_auto")
    found: set[str] = set()
    for table in dir(auto):
        if table.startswith("MODEL_") and table.endswith("MAPPING_NAMES"):
            value = getattr(auto, table).get(model_type, ())
            found.update([value] if isinstance(value, str) else value)
    return frozenset(found)


def config_of(model: Any, fields: Mapping[str, Any]) -> Any:
    """The config that transformers' auto classes make of a file's *fields* for *model*.

    Raises:
        ConfigError: see `config_class`.
        Exception: whatever the config class raises.
    """
    cls = config_class(model, fields.get("model_type"))
    config = cls.from_dict({k: v for k, v in fields.items() if k not in ("architectures", "model_type")})
    return config.get_text_config() if is_text_of(getattr(model, "config_class", None), cls) else config


def make_config(model: Any, fields: Mapping[str, Any], model_type: str = "") -> Any:
    """The config of *model* with these *fields*; a dotted name is a field of a sub-config.

    Raises:
        ConfigError: the config class refuses them.
    """
    cls = config_class(model, model_type)
    try:
        return cls(**nested({name: value for name, value in fields.items() if name not in _LABELS}, cls))
    except Exception as error:  # the validation of a config class may raise anything
        raise ConfigError(f"{cls.__name__} refuses the config: {_one_line(error)}") from error


def attribute(config: Any, name: str, default: Any = None) -> Any:
    """An attribute of a config: its own where it differs among the layers, for which transformers has no single one.

    Of such a config transformers refuses every number that some layer has otherwise (`head_dim` of Gemma 4).
    """
    if isinstance(config, Mapping):
        return config.get(name, default)
    try:
        return getattr(config, name, default)
    except Exception:  # noqa: BLE001  # an error of transformers' own, or of the property that computes it
        aliases: dict[str, str] = getattr(type(config), "attribute_map", None) or {}
        return vars(config).get(aliases.get(name, name), default)


def constructor_options(model: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those *options* that the constructor of *model* takes (`add_pooling_layer`); the others are the config's."""
    accepted = inspect.signature(model.__init__).parameters
    return {name: value for name, value in options.items() if name in accepted and name != "config"}


def build(model: Any, config: Any, arguments: Mapping[str, Any], device: str = "meta") -> Any:
    """Construct *model* from *config* and the constructor's own *arguments*.

    Raises:
        ConfigError: an unknown device, or a config that the model cannot be built from.
    """
    if device not in get_args(Device):
        raise ConfigError(f"device {device!r}: expected {' or '.join(get_args(Device))}")
    import torch

    try:
        with torch.device(device):
            return model(config, **arguments)
    except Exception as error:  # a model's constructor may raise anything
        raise ConfigError(f"{model.__name__} cannot be built from this config: {_one_line(error)}") from error


@contextmanager
def default_dtype(name: str) -> Iterator[None]:
    """Torch's default type of numbers, for as long as a model is built; only floating types can be one.

    Raises:
        DependencyError: torch is missing.
    """
    transformers()
    import torch

    before, wanted = torch.get_default_dtype(), getattr(torch, name)
    if wanted in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        torch.set_default_dtype(wanted)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    if len(text) > 320:  # what went wrong may be said first or, behind a module's description, last
        text = f"{text[:160]} … {text[-160:]}"
    return text or type(error).__name__


def totals(model: Any) -> dict[str, int | None]:
    """The number of parameters of *model* under each convention, `None` for one that cannot be read off a model."""
    stored = {id(p): p for p in model.parameters()}
    outside = stored.keys() - _embedding_ids(model)
    unique = sum(p.numel() for p in stored.values())
    return {
        "unique": unique,
        "per_layer": _per_layer(model),
        "non_embedding": sum(stored[key].numel() for key in outside),
        "active": None if has_experts(model) else unique,
        "trainable": sum(p.numel() for p in stored.values() if p.requires_grad),
    }


def _per_layer(model: Any) -> int:
    """Every layer's own weights: a module that has parameters, and below which no module has any, is a layer.

    A tensor with several names counts once for each layer that holds it, and once if no layer does. `modules()` yields
    a module registered twice once.
    """
    held: dict[int, list[bool]] = defaultdict(list)
    sizes: dict[int, int] = {}
    for module in model.modules():
        own = [p for p in module._parameters.values() if p is not None]  # parameters() hides second names
        layer = not any(True for child in module.children() for _ in child.parameters())
        for parameter in own:
            held[id(parameter)].append(layer)
            sizes[id(parameter)] = parameter.numel()
    return sum(sizes[key] * max(1, sum(layers)) for key, layers in held.items())


def _embedding_ids(model: Any) -> set[int]:
    """The tensors of the input tables and of the projection onto the vocabulary.

    Input tables are the word embedding and the lookup tables of positions and types; a table inside an attention
    module (relative positions) is not one.
    """
    from torch.nn import Embedding

    found = {id(p) for module in _ends(model) for p in module.parameters()}

    def visit(module: Any) -> None:
        if isinstance(module, Embedding):
            found.update(id(p) for p in module.parameters())
        for child in module.children():
            if "attention" not in type(child).__name__.lower():
                visit(child)

    visit(model)
    return found


def _ends(model: Any) -> Iterator[Any]:
    for getter in ("get_input_embeddings", "get_output_embeddings"):  # which a class of one's own may not have
        try:
            module = getattr(model, getter)()
        except (NotImplementedError, AttributeError):  # a model without words, or without a head
            continue
        if hasattr(module, "parameters"):
            yield module


def has_experts(model: Any) -> bool:
    """Whether some of the parameters are routed experts, of which a token uses a part."""
    return any("expert" in name.lower() or "Experts" in type(m).__name__ for name, m in model.named_modules())


def torchinfo_total(model: Any) -> int | None:
    """The number that torchinfo has for *model*, where torchinfo is installed and has one."""
    try:
        import torchinfo
    except ImportError:
        return None
    try:
        return int(torchinfo.summary(model, verbose=0).total_params)
    except Exception:  # noqa: BLE001  # it looks into modules of others: a kernel size that is a tensor is too much
        return None
