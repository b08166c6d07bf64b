"""What a release of transformers has of one class: its default's tensors, its config's keys, the code that builds it.

Two releases have the same formulas of a class where these agree: they are read off in each release, and compared. As a
program (`python -m symcount.atlas.portrait`) this reads requests from standard input, one JSON object a line, and
answers each with one: a worker of `symcount.atlas.survey`, which another process may kill.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from symcount.errors import SymcountError

__all__ = ["portrait"]

_MODELS = "transformers.models."
_AFTERWARDS = ("forward", "generate", "prepare_inputs", "_init_weights", "_reorder", "_update", "compute", "loss")


def portrait(name: str, model_type: str, base: bool) -> dict[str, Any]:
    """What the installed transformers has of a class, as JSON; where it builds none of its configs, the reason.

    `total`, `tensors` and `names` are of the default config: number of parameters, number of tensors, and a digest of
    their names, shapes and sharing. `keys` is a digest of what its config classes declare, `configs` of their code and
    `code` of that which constructs the model.
    """
    from symcount.derive.resolve import model_class, shortened
    from symcount.realmodel import config_class

    row: dict[str, Any] = {"class": name, "model_type": model_type, "base": base}
    try:
        cls: Any = model_class(name)
        configs: Any = config_class(cls, model_type)
        return {**row, **_read_off(cls, configs)}
    except SymcountError as error:
        return {**row, "reason": " ".join(str(error).split())[:300]}
    except Exception as error:  # noqa: BLE001  # a constructor raises whatever it likes
        return {**row, "reason": shortened(error)}


def _read_off(cls: Any, configs: Any) -> dict[str, Any]:
    from symcount.atlas.bases import bases

    found: dict[str, Any] = {}
    try:
        raw: Any = {}
        model = _model(cls, configs, raw)
    except Exception:  # it insists on keys, or is refused for good below
        first = next(bases(cls, configs), None)
        if first is None:
            raise
        raw = first.raw
        model = _model(cls, configs, raw)
    seen: dict[int, int] = {}
    rows = []
    for path, p in model.named_parameters(remove_duplicate=False):
        rows.append([path, list(p.shape), p.requires_grad, seen.setdefault(id(p), len(seen))])
    first_names: dict[int, str] = {}
    for row in sorted(rows):
        row[3] = first_names.setdefault(row[3], row[0])
    found["total"] = sum(p.numel() for p in model.parameters())
    found["tensors"] = len(rows)
    found["names"] = _digest(sorted(rows))
    found["raw"] = raw
    classes = _config_classes(model.config, configs)
    found["keys"] = _digest([_keys(one) for one in classes])
    found["configs"] = _digest([_shown(one) for one in classes])
    found["code"] = _digest(sorted(_construction({type(m) for m in model.modules()} | {cls})))
    return found


def _model(cls: Any, configs: Any, raw: Any) -> Any:
    import torch

    from symcount.atlas.probe import uninitialised
    from symcount.derive.quiet import quiet

    with quiet(), uninitialised(), torch.device("meta"):
        return cls(configs.from_dict(json.loads(json.dumps(raw))))


def _digest(item: Any) -> str:
    return hashlib.sha256(json.dumps(item, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _config_classes(config: Any, outer: Any) -> list[Any]:
    """The classes of a config and of its parts, and those that it may have."""
    from symcount.atlas.facts import parts

    found = {type(c) for c in parts(config).values()} | {outer}
    waiting = list(found)
    while waiting:
        for inner in (getattr(waiting.pop(), "sub_configs", None) or {}).values():
            if isinstance(inner, type) and inner not in found and "Auto" not in inner.__name__:
                found.add(inner)
                waiting.append(inner)
    return sorted(found, key=lambda c: c.__qualname__)


@cache
def _keys(cls: Any) -> str:
    """What a config class declares: keys with defaults and kinds, other spellings, what else its code takes."""
    from symcount.atlas.facts import part, settable

    facts = part(cls)
    return _digest([cls.__name__, facts.defaults, facts.types, facts.aliases, facts.consumed, sorted(settable(cls)),
                    facts.literals, facts.automatic])  # fmt: skip


@cache
def _shown(cls: Any) -> str:
    """The code of a config class and of those that it is made of, without words for readers."""
    return _digest([ast.dump(node) for owner in cls.__mro__ if (node := _class(owner)) is not None])


def _class(owner: Any) -> ast.ClassDef | None:
    if not owner.__module__.startswith(_MODELS):
        return None
    found = _module(owner.__module__).get(owner.__name__)
    return found if isinstance(found, ast.ClassDef) else None


@cache
def _module(name: str) -> dict[str, ast.stmt]:
    """The classes and functions of a module by name."""
    try:
        tree = _Bare().visit(ast.parse(inspect.getsource(importlib.import_module(name))))
    except (OSError, TypeError, SyntaxError, ImportError):
        return {}
    return {n.name: n for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)}


class _Bare(ast.NodeTransformer):
    """Takes out what is for readers: docstrings, annotations of arguments, decorators."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns, node.decorator_list = None, [d for d in node.decorator_list if "doc" not in ast.unparse(d)]
        node.body = _undocumented(node.body)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.generic_visit(node)
        node.decorator_list = []
        node.body = _undocumented(node.body)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node


def _undocumented(body: list[ast.stmt]) -> list[ast.stmt]:
    words = [n for n in body if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)]
    return [n for n in body if n not in words]


def _construction(classes: Iterable[Any]) -> Iterator[str]:
    """The code that runs when models of these classes are built: constructors, and what they name."""
    waiting = [owner for cls in classes for owner in cls.__mro__]
    seen = set()
    while waiting:
        thing = waiting.pop()
        key = (getattr(thing, "__module__", ""), getattr(thing, "__name__", ""))
        if key in seen or not str(key[0]).startswith(_MODELS) or "configuration_" in key[0]:
            continue
        seen.add(key)
        node = _module(key[0]).get(key[1])
        if node is None:
            continue
        kept, names = _kept(key[0], key[1])
        yield kept
        space = vars(importlib.import_module(key[0]))
        for name in names:
            other = space.get(name)
            if isinstance(other, type):
                waiting += other.__mro__
            elif inspect.isfunction(other):
                waiting.append(other)


@cache
def _kept(module: str, name: str) -> tuple[str, frozenset[str]]:
    """The part of a class or function that runs at construction as text, and the names in it."""
    node = _module(module)[name]
    kept: list[ast.AST] = [node]
    if isinstance(node, ast.ClassDef):
        methods = {n.name: n for n in node.body if isinstance(n, ast.FunctionDef)}
        used = {"__init__", "__new__", "__init_subclass__", "tie_weights", "post_init", "get_input_embeddings",
                "get_output_embeddings", "get_expanded_tied_weights_keys", "set_output_embeddings",
                "set_input_embeddings", "_tie_weights"} & methods.keys()  # fmt: skip
        waiting = list(used)
        while waiting:
            for inner in ast.walk(methods[waiting.pop()]):
                said = inner.attr if isinstance(inner, ast.Attribute) else ""
                if said in methods and said not in used and not said.startswith(_AFTERWARDS):
                    used.add(said)
                    waiting.append(said)
        other = [n for n in node.body if not isinstance(n, ast.FunctionDef)]
        plans = ("_no_split_modules", "_supports", "_can_record", "_keep_in_fp32", "_skip_keys", "_keys_to_ignore",
                 "base_model_prefix", "main_input_name", "input_modalities", "_can_compile", "_tp_plan", "_pp_plan",
                 "_compatible_flash", "_is_stateful", "_checkpoint_conversion")  # fmt: skip
        other = [n for n in other if not ast.unparse(n).startswith(plans)]
        kept = [*node.bases, *other, *(methods[n] for n in sorted(used))]
    names = frozenset(n.id for part in kept for n in ast.walk(part) if isinstance(n, ast.Name))
    return _digest([name, *map(ast.dump, kept)]), names


def _serve() -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the survey ends us
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what a model prints is no answer
    for line in sys.stdin:
        request = line.strip()  # the first one is empty: what every class needs is imported before its time counts
        if request:
            answer = portrait(**json.loads(request))
        else:
            from symcount.derive.resolve import transformers

            answer = {"transformers": transformers().__version__}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve()
