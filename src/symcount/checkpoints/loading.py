"""How transformers loads a class: how it renames what is in a file, which buffers it has, what it leaves out.

The table that is shipped was read off the classes of the transformers version that it names. Where another version is
installed, or the class is not in the table, transformers itself is asked, which takes torch.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

from symcount.atlas.store import atlas
from symcount.errors import ConfigError, SymcountError

__all__ = ["NOTHING", "Loading", "Rename", "default_path", "loading", "measure", "others", "read_off", "table", "write"]


@dataclass(frozen=True)
class Rename:
    """One rule by which tensors of a file become tensors of the model.

    Attributes:
        pattern: regular expression with a group `g0`, `g1`, … for each source.
        sources: what each group says, with `*` for the index of a list; the order of what is concatenated.
        targets: what stands in the match's place; several where a tensor is split.
        operations: what is done to the tensors, in order: name and dimensions.
        scope: the path of the sub-model that the rule is for, and the name of the base model before it.
        grouped: each source has its own target, and the others hold only where the first was seen.
        offset: what is added to the index that the pattern found.
    """

    pattern: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    operations: tuple[tuple[Any, ...], ...] = ()
    scope: tuple[str, str] | None = None
    grouped: bool = False
    offset: int = 0

    @classmethod
    def of(cls, transform: Any) -> Self:
        """The rule of a transformers `WeightTransform`."""
        scope = getattr(transform, "scope_prefix", None)
        return cls(
            transform.compiled_sources.pattern,
            tuple(transform.source_patterns),
            tuple(transform.target_patterns),
            tuple(_operation(o) for o in getattr(transform, "operations", ())),
            None if scope is None else (scope, getattr(transform, "base_model_prefix", None) or ""),
            type(transform).__name__ == "GroupWeightRename",
            getattr(transform, "offset", 0),
        )

    def to_json(self) -> dict[str, Any]:
        """Without what is as by default."""
        return {k: v for k, v in asdict(self).items() if v not in ((), None, False, 0)}

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Self:
        """The rule that `to_json` made *item* of."""
        operations = tuple(tuple(o) for o in item.get("operations", ()))
        scope = item.get("scope")
        return cls(
            item["pattern"], tuple(item["sources"]), tuple(item["targets"]), operations,
            None if scope is None else (scope[0], scope[1]), item.get("grouped", False), item.get("offset", 0),
        )  # fmt: skip


@dataclass(frozen=True)
class Loading:
    """How the file of a class is read.

    Attributes:
        prefix: the name of the base model in the class with a head; a file may have it or not.
        renames: in the order in which they are tried.
        buffers: templates of the names of tensors that are saved and are no parameters.
        ignored: regular expressions of names that transformers leaves out.
    """

    prefix: str = ""
    renames: tuple[Rename, ...] = ()
    buffers: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


NOTHING = Loading()


def _operation(operation: Any) -> tuple[Any, ...]:
    """The name of an operation and the numbers that it takes."""
    numbers = (getattr(operation, name, None) for name in ("dim", "dim0", "dim1", "check_dims", "stack_dim"))
    return (type(operation).__name__, *(n for n in numbers if isinstance(n, int)))


def loading(name: str, model_type: str = "") -> Loading:
    """How the files of class *name* are loaded; nothing is renamed where that is not known."""
    shipped = table()
    installed = _installed()
    if name in shipped["classes"] and installed in (None, shipped["transformers"]):
        return _stored(shipped, name)
    if installed is not None:
        try:
            return _asked(name, model_type)
        except SymcountError:  # a class of somebody's own
            pass
    return _stored(shipped, name) if name in shipped["classes"] else NOTHING


def others(name: str, model_type: str, config: Mapping[str, Any]) -> Iterator[Loading]:
    """How else the files of a class may be loaded, whose *config* has parts of other classes than by default.

    First the rules of those classes are added; then transformers is asked for this very config, where it is installed.
    """
    said = (value.get("model_type") for value in config.values() if isinstance(value, Mapping))
    parts = [model_type for model_type in said if isinstance(model_type, str)]
    if not parts:
        return
    stored, known = atlas(), table()["classes"]
    bases = [stored.bases[p] for p in parts if stored is not None and stored.bases.get(p) in known]
    if bases:
        own = loading(name, model_type)
        more = [rule for base in bases for rule in loading(base).renames if rule not in own.renames]
        yield replace(own, renames=(*more, *own.renames))
    if _installed() is not None:
        try:
            yield _asked.__wrapped__(name, model_type, config)
        except SymcountError:  # a class of somebody's own, or a config that it refuses
            return


def _installed() -> str | None:
    try:
        version("torch")
        return version("transformers")
    except PackageNotFoundError:
        return None


def _stored(shipped: Mapping[str, Any], name: str) -> Loading:
    prefix, renames, buffers, ignored = shipped["classes"][name]
    rules = tuple(Rename.from_json(shipped["renames"][i]) for i in renames)
    return Loading(prefix, rules, tuple(buffers), tuple(ignored))


@cache
def _asked(name: str, model_type: str, config: Mapping[str, Any] | None = None) -> Loading:
    from symcount.verification import real_model

    cls = real_model.model_class(name, model_type)
    try:
        return read_off(real_model.build(cls, real_model.make_config(cls, config or {}), {}))
    except ConfigError:  # its default config builds no model: what the class says, without its sub-models
        return _said(cls)


def _said(cls: Any) -> Loading:
    """How transformers loads a class that has not been built."""
    of: Any = import_module("transformers.conversion_mapping").get_checkpoint_conversion_mapping
    found = of(cls.__name__) or of(getattr(cls.config_class, "model_type", None)) or []
    rules = [*found, *(of("legacy") or [])]
    ignored = getattr(cls, "_keys_to_ignore_on_load_unexpected", None) or ()
    return Loading(cls.base_model_prefix, tuple(map(Rename.of, rules)), (), tuple(sorted(ignored)))


def read_off(model: Any) -> Loading:
    """How transformers loads *model*, by its own tables."""
    from transformers.conversion_mapping import get_model_conversion_mapping

    from symcount.verification.matching import template

    parameters = {n for n, _ in model.named_parameters(remove_duplicate=False)}
    buffers = dict.fromkeys(template(n) for n in model.state_dict() if n not in parameters)
    return Loading(
        model.base_model_prefix,
        tuple(Rename.of(t) for t in get_model_conversion_mapping(model)),
        tuple(buffers),
        tuple(sorted(model._keys_to_ignore_on_load_unexpected or ())),
    )


@cache
def table() -> dict[str, Any]:
    """The shipped table: `transformers`, `renames`, `classes`; empty where there is none."""
    path = default_path()
    if not path.is_file():
        return {"transformers": "", "renames": [], "classes": {}}
    try:
        found: dict[str, Any] = json.loads(zlib.decompress(path.read_bytes()))
    except (OSError, ValueError, zlib.error) as error:
        raise ConfigError(f"{path}: the table cannot be read ({error}); reinstall symcount") from None
    return found


def default_path() -> Path:
    """The table that is shipped with the package."""
    return Path(__file__).with_name("loading.bin")


def measure(classes: Iterable[tuple[str, str]], path: Path, kept: Iterable[str] = ()) -> int:
    """Write the table of *classes* (names and model types), as the installed transformers loads them; how many.

    Args:
        classes: names and model types.
        path: of the table.
        kept: other classes, of which the table has what the shipped one has.

    Raises:
        DependencyError: torch or transformers is missing.
    """
    from symcount.verification import real_model

    version_ = str(real_model.transformers().__version__)
    shipped = table()
    found = [(name, _stored(shipped, name)) for name in kept if name in shipped["classes"]]
    for name, model_type in classes:
        try:
            found.append((name, _asked.__wrapped__(name, model_type)))
        except SymcountError:  # a class that needs a package which is not installed
            continue
    write(path, found, version_)
    return len(found)


def write(path: Path, found: Iterable[tuple[str, Loading]], transformers: str) -> None:
    """Write the table of what was *found*, by class; the bytes depend on nothing else."""
    numbers: dict[str, int] = {}
    classes = {}
    for name, item in sorted(found):
        rules = [json.dumps(r.to_json(), sort_keys=True) for r in item.renames]
        places = [numbers.setdefault(rule, len(numbers)) for rule in rules]
        classes[name] = [item.prefix, places, item.buffers, item.ignored]
    content = {"transformers": transformers, "renames": [json.loads(r) for r in numbers], "classes": classes}
    path.write_bytes(zlib.compress(json.dumps(content, separators=(",", ":")).encode("utf-8"), 9))
