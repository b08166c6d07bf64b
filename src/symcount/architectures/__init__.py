"""Architectures composed by hand, one family a module: the formula as a paper would derive it.

To add a family, write a module with a tuple `ARCHITECTURES` and add its name to `FAMILIES`; see CONTRIBUTING.md.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from symcount.architectures.base import GIVEN, Architecture
from symcount.errors import UnknownModelError, near

__all__ = ["FAMILIES", "GIVEN", "Architecture", "find", "names"]

FAMILIES = (
    "bert",
    "roberta",
    "electra",
    "distilbert",
    "albert",
    "gpt2",
    "llama",
    "mistral",
    "mixtral",
    "qwen2",
    "qwen3",
    "qwen3_moe",
    "gemma2",
    "deepseek_v3",
    "bloom",
    "mamba",
    "t5",
    "bart",
    "whisper",
    "vit",
    "clip",
)


@cache
def _registry() -> dict[str, Architecture]:
    registry: dict[str, Architecture] = {}
    for family in FAMILIES:
        for architecture in import_module(f"{__name__}.{family}").ARCHITECTURES:
            registry[architecture.name] = architecture
            registry.setdefault(architecture.model_type, architecture)  # the first of a family is its base model
    return registry


def names() -> tuple[str, ...]:
    """The class names of all architectures composed by hand."""
    return tuple(name for name, architecture in _registry().items() if name == architecture.name)


def _folded(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def find(name: str) -> Architecture:
    """The architecture of a class name (`BertForMaskedLM`) or a model type (`bert`: its base model).

    Case and hyphens are ignored.

    Raises:
        UnknownModelError: no architecture goes by this name; near names are suggested.
    """
    registry = _registry()
    folded = {_folded(key): architecture for key, architecture in registry.items()}
    architecture = registry.get(name) or folded.get(_folded(name))
    if architecture is None:
        raise UnknownModelError(f"unknown model {name!r}.{near(name, list(registry))} See: symcount list")
    return architecture
