"""What a config class says of itself: keys, defaults, kinds of values, other spellings, keys that its code consumes.

Read from the class with `dataclasses` and from its source with `ast` when the atlas is built.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, get_args

from symcount.concolic.config.config_source import is_config
from symcount.concolic.config.source import defaults_of
from symcount.concolic.session import quiet
from symcount.core.paths import value_at

__all__ = ["Part", "attribute", "attribute_at", "compared", "facts_of", "general_kinds", "part", "parts", "settable"]

_SAMPLES: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("i", (1,)), ("f", (1.0,)), ("b", (True,)), ("s", ("x",)), ("n", (None,)),
    ("l", ([], [1], [1.0], ["x"], [True], [[1]])), ("d", ({}, {"x": 1}, {0: "x"})),
)  # fmt: skip
_GENERAL = ("transformers.configuration_utils", "transformers.modeling_rope_utils", "transformers.utils",
            "transformers.integrations", "huggingface_hub", "builtins")  # fmt: skip
_NOTHING: tuple[tuple[str, Any], ...] = (("i", 0), ("f", 0.0), ("b", False), ("s", ""))
_LABELS = frozenset(
    {"transformers_version", "architectures", "dtype", "torch_dtype", "per_layer_config"}
)  # of the file, or seen to elsewhere


@dataclass(frozen=True)
class Part:
    """A config or sub-config class.

    Attributes:
        cls: the class.
        defaults: declared key -> default as JSON has it.
        types: declared key -> the kinds of values that its annotation admits; see `record.Section.types`.
        literals: declared key -> the strings that its annotation lists.
        aliases: other spelling -> key.
        mentioned: attributes that the class's own code uses.
        words: these, and all that stands in its code as a text and may be the name of a key.
        consumed: undeclared keys that its code takes, with the constants that stand there as defaults.
        automatic: sub-config -> default model type, where the model type chooses the class.
    """

    cls: type
    defaults: dict[str, Any]
    types: dict[str, str]
    literals: dict[str, tuple[str, ...]]
    aliases: dict[str, str]
    mentioned: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    consumed: dict[str, list[Any]] = field(default_factory=dict)
    automatic: dict[str, str] = field(default_factory=dict)


def parts(root: Any) -> dict[str, Any]:
    """A config and its sub-configs by dotted path; those in lists are left out."""
    found = {"": root}
    stack = [("", root)]
    while stack:
        path, config = stack.pop()
        for name, value in vars(config).items():
            if is_config(value) and not name.startswith("_") and not any(value is v for v in found.values()):
                sub = f"{path}.{name}" if path else name
                found[sub] = value
                stack.append((sub, value))
    return dict(sorted(found.items(), key=lambda item: (item[0].count("."), item[0])))


def attribute(config: Any, name: str, default: Any = None) -> Any:
    """An attribute of a config, *default* where it has none, or one of its own for each layer."""
    try:
        return getattr(config, name)
    except Exception:  # noqa: BLE001  # transformers raises an error of its own for a field that differs among layers
        return default


def attribute_at(config: Any, path: str) -> Any:
    """What stands at a dotted path of a config; the config itself at the empty one."""
    return value_at(config, path, attribute=attribute)


def facts_of(config: Any) -> Part:
    """The facts of the class of a config object."""
    cls: Any = type(config)
    found: Part = part(cls)
    return found


@cache
def part(cls: Any) -> Part:
    """The facts of one config class."""
    defaults: dict[str, Any] = {}
    for name, make in defaults_of(cls):
        if _behind(cls, name):
            continue
        value = make()
        defaults[name] = list(value) if isinstance(value, tuple) else value
    types: dict[str, str] = {}
    literals: dict[str, tuple[str, ...]] = {}
    for item in dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ():
        if _behind(cls, item.name):
            continue
        types[item.name] = _kinds(item)
        strings = tuple(a for a in _arguments(item.type) if isinstance(a, str))
        if strings:
            literals[item.name] = strings
    aliases = dict(getattr(cls, "attribute_map", None) or {})
    automatic = {}
    for key, spec in (getattr(cls, "sub_configs_defaults", None) or {}).items():
        if not hasattr(spec.config_class, "attribute_map"):
            automatic[key] = str(spec.model_type)
    if not hasattr(cls, "sub_configs_defaults"):  # releases that say so only in the constructor
        automatic = _made_by_default(cls)
    found = Part(cls, defaults, types, literals, aliases, automatic=automatic)
    for base in cls.__mro__:
        if not base.__module__.startswith(_GENERAL):
            _harvest(base, found)
    return found


def _made_by_default(cls: Any) -> dict[str, str]:
    """Sub-config -> the model type that it has by default, of those whose class the model type chooses."""
    automatic = [key for key, sub in (cls.sub_configs or {}).items() if not hasattr(sub, "attribute_map")]
    try:
        made = cls() if automatic else None
    except Exception:  # noqa: BLE001  # it insists on keys
        return {}
    found = {key: str(getattr(attribute(made, key), "model_type", "")) for key in automatic}
    return {key: model_type for key, model_type in found.items() if model_type}


@cache
def general_kinds() -> dict[str, str]:
    """The kinds of values of the keys that every config class has, those left out that admit any; found by trying.

    Of a property that cannot be set there are none. Left out is also a key that admits some values of a kind alone.
    """
    from transformers import PreTrainedConfig

    def admits(key: str, sample: Any) -> bool:
        try:
            with quiet():
                PreTrainedConfig.from_dict({key: sample})
        except Exception:  # noqa: BLE001  # a config class raises whatever its validation raises
            return False
        return True

    made = {k for owner in PreTrainedConfig.__mro__ for k, v in vars(owner).items() if isinstance(v, property)}
    names = [*(f.name for f in dataclasses.fields(PreTrainedConfig)), *sorted(made)]
    found = {}
    for key in (name for name in names if name not in _LABELS and not name.startswith("_")):
        words = tuple(a for a in _arguments(PreTrainedConfig.__annotations__.get(key)) if isinstance(a, str))
        found[key] = "".join(
            letter for letter, samples in _SAMPLES if any(admits(key, s) for s in (*samples, *words * (letter == "s")))
        )
        nothing = [s for letter, s in _NOTHING if letter not in found[key]]
        if any(admits(key, s) for s in nothing):  # whatever counts as nothing is taken for left out
            del found[key]
    return {key: kinds for key, kinds in found.items() if len(kinds) < len(_SAMPLES)}


def settable(cls: type) -> set[str]:
    """The properties of a config class that can be set, those of the general config class left out."""
    owners = [owner for owner in cls.__mro__ if not owner.__module__.startswith(_GENERAL)]
    return {name for owner in owners for name, made in vars(owner).items() if getattr(made, "fset", None) is not None}


def unsettable(cls: type) -> set[str]:
    """The properties of a config class that cannot be set, or may refuse whatever they are set to."""
    owners = [owner for owner in cls.__mro__ if not owner.__module__.startswith(_GENERAL)]
    return {name for owner in owners for name, made in vars(owner).items() if isinstance(made, property)}


def _behind(cls: Any, name: str) -> bool:
    """Whether a field is where a property keeps its value (`_out_features`), which a config file names instead."""
    return name.startswith("_") and getattr(getattr(cls, name[1:], None), "fset", None) is not None


def _kinds(item: Any) -> str:
    from huggingface_hub.dataclasses import type_validator

    kinds = ""
    for letter, samples in _SAMPLES:
        for sample in samples:
            try:
                type_validator(item.name, sample, item.type)
            except TypeError:
                continue
            except Exception:  # noqa: BLE001, S112  # a literal's complaint about its value: strings are seen to below
                continue
            kinds += letter
            break
    if any(isinstance(a, str) for a in _arguments(item.type)) and "s" not in kinds:
        kinds += "s"
    return kinds or "ifbsnld"


def _arguments(annotation: Any) -> Iterator[Any]:
    for argument in get_args(annotation):
        if get_args(argument):
            yield from _arguments(argument)
        else:
            yield argument


def _harvest(cls: type, found: Part) -> None:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):
        return
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    for node in (n for function in functions for n in ast.walk(function)):
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                found.mentioned.add(name)
                found.words.add(name)
            case ast.Constant(value=str(word)) if word.isidentifier() and not word.startswith("_"):
                found.words.add(word)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="kwargs"), attr="pop" | "get" | "setdefault"),
                args=[ast.Constant(value=str(key)), *rest],
            ):
                constants = found.consumed.setdefault(key, [])
                constants.extend(a.value for a in rest if isinstance(a, ast.Constant))
            case ast.Subscript(value=ast.Name(id="kwargs"), slice=ast.Constant(value=str(key))):
                found.consumed.setdefault(key, [])
            case ast.Compare(left=ast.Constant(value=str(key)), comparators=[ast.Name(id="kwargs")]):
                found.consumed.setdefault(key, [])
            case _:
                pass


@cache
def compared(module: str) -> dict[str, tuple[str, ...]]:
    """The strings with which the code of a module compares attributes and names, by the last part of their name."""
    try:
        tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    except (OSError, TypeError, SyntaxError, ImportError):
        return {}
    found: dict[str, dict[str, None]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        names = [
            s.attr if isinstance(s, ast.Attribute) else s.id for s in sides if isinstance(s, ast.Attribute | ast.Name)
        ]
        strings = [
            c.value for s in sides for c in ast.walk(s) if isinstance(c, ast.Constant) and isinstance(c.value, str)
        ]
        for name in names:
            found.setdefault(name, {}).update(dict.fromkeys(strings))
    return {name: tuple(strings) for name, strings in found.items()}
