"""The few verbs most people need: `formula`, `count`, `notes`, `verify`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symcount.architectures.reading import architecture_of
from symcount.atlas.counting import derivable
from symcount.atlas.speaker import speaker
from symcount.config.config import Config, read
from symcount.config.files import is_adapter, is_checkpoint
from symcount.config.releases import is_installed
from symcount.core.ledger import check_convention
from symcount.core.values import by_letter
from symcount.diagnostics import Note, notes_on_release, refuse, teller
from symcount.diagnostics.of_formula import notes_on
from symcount.ecosystem.files import is_of_library, library_totals
from symcount.errors import ConfigError, DomainError, OptionError, UnknownModelError
from symcount.foreign import guarded
from symcount.formulas.formula import Formula
from symcount.lookup import adapter_of, formula, formula_for, is_config, model_of

if TYPE_CHECKING:
    from symcount.checkpoints.report import CheckpointReport
    from symcount.verification.report import Report

__all__ = ["count", "formula", "model_of", "notes", "verify"]


@guarded
def count(
    source: Any, /, *, convention: str = "unique", strict: bool = False, transformers: str = "", **values: Any
) -> int:
    """The exact number of parameters of the model that *source* describes; fields left out have their defaults.

    Classes differ from one release of transformers to another. The number is that of the release that is asked for;
    else of the one that is installed; else, where it matters, of the one that the file names in `transformers_version`;
    else of the newest. A config object is of the installed one. `notes` tells where others have another number.

    Args:
        source: as for `formula`.
        convention: `unique`, `per_layer`, `non_embedding`, `active` or `trainable`.
        strict: whether a config is refused that may mean something else than what it says: one with a misspelt size,
            with a size in another family's spelling, or without any; see `notes`.
        transformers: a version; of one between two releases that are stored, the earlier one answers.
        values: letters or config fields that differ from *source*.

    Raises:
        DoubtfulError: the config may mean something else, and *strict* is asked for.
        SymcountError: see `formula` and `Formula.count`.

    >>> import symcount as sc
    >>> sc.count("BertForMaskedLM", V=30_000), sc.count("BertForMaskedLM", V=30_000, convention="per_layer")
    (109112880, 132152880)
    >>> csm = {"architectures": ["CsmForConditionalGeneration"]}
    >>> [sc.count(csm, transformers=release) for release in ("5.12.0", "5.24.0")]
    [1766514497, 1632100161]
    """
    config: Any = read(source) if is_config(source) else {}
    if strict and config:
        refuse(_notes(config), config.source)
    exactly = not transformers and hasattr(source, "to_dict") and not isinstance(source, type)
    if config and not values:
        found = _stored_count(config, check_convention(convention), transformers, exactly=exactly)
        if found is not None:
            return found
    one = formula(source, transformers=transformers)
    try:
        return one.count(config, convention=convention, **values)
    except DomainError:
        if not values or is_config(source) or isinstance(source, Formula):
            raise
        other = _chosen(one, values, transformers)  # the numbers may be those of another formula of the class
        if other is None:
            raise
        return other[0].count(other[1], convention=convention)


def _chosen(one: Formula, values: Mapping[str, Any], version: str) -> tuple[Formula, dict[str, Any]] | None:
    """The formula of the same class that a config with these *values* chooses, and that config; `None` for the same."""
    fields: dict[str, Any] = {"architectures": [one.name], "model_type": one.model_type}
    for letter, value in by_letter(one.notation, values).items():
        path = one.notation[letter].field
        if "[" in path or "#" in path:  # part of a list
            return None
        *parents, last = path.split(".")
        inner = fields
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value
    try:
        found = formula(fields, transformers=version)
    except (ConfigError, DomainError, OptionError, UnknownModelError):
        return None
    return None if found.tree == one.tree else (found, fields)


@guarded
def notes(source: Any, /) -> list[str]:
    """What is to be told beside the counts of a config; empty where there is nothing.

    The counts are right; but they may not be those of the checkpoint (weights that are quantised, layers that
    transformers does not build, a head that it ties whatever the config says), or not those that were meant (a key that
    looks like a misspelt size, which `count(…, strict=True)` refuses).

    Args:
        source: a path to a `config.json`, a dict of its form, or a transformers config; of a model's name there is
            nothing to tell.

    Raises:
        SymcountError: see `count`.

    >>> import symcount as sc
    >>> sc.notes({"architectures": ["BertModel"], "hiden_size": 1024, "num_hidden_layers": 24})
    ['hiden_size is not read: hidden_size may be meant, which is 768 here']
    """
    return [note.text for note in _notes(read(source))] if is_config(source) else []


def _notes(config: Config) -> list[Note]:
    tell = teller()
    try:
        speaks = speaker(config.fields)
        tell = teller(speaks.release) if speaks is not None else None
        if speaks is not None and tell is not None:
            found = speaks.counter.found(config.fields)
            total = speaks.counter.totals(found)["unique"]
            return [*tell.notes(config.fields, found), *notes_on_release(speaks, config.fields, found, total)]
    except (DomainError, UnknownModelError):  # another formula may hold for it
        pass
    except ConfigError as error:
        raise type(error)(f"{config.source}: {error}") from None
    return notes_on(config, formula(config), tell)


def _stored_count(config: Config, convention: str, version: str, *, exactly: bool) -> int | None:
    """What the atlas says of a config, which it reads as transformers does; `None` if it does not cover it."""
    if is_of_library(config.fields):
        return library_totals(config.fields)[1][convention]
    try:
        speaks = speaker(config.fields, version, exactly=exactly)
        return None if speaks is None else speaks.counter.count(config.fields)[1][convention]
    except UnknownModelError:
        if not is_installed(version) and not _is_composed(config):
            raise
        return None
    except (ConfigError, DomainError) as error:
        if _is_composed(config) or (derivable() and is_installed(version)):
            return None  # they may know better, or say in other words why not
        raise type(error)(f"{config.source}: {error}") from None


def _is_composed(config: Config) -> bool:
    try:
        architecture_of(config)
    except (UnknownModelError, ConfigError):
        return False
    return True


@guarded
def verify(source: Any, config: Any = None, /, *, device: str = "meta", **values: Any) -> Report | CheckpointReport:
    """Compare a formula with the real model, or with a file of weights, in every tensor and every total.

    The real model is built by transformers. Of a file of weights (`*.safetensors`, its index, `*.gguf`, a folder that
    has them) only the header is read, and neither torch nor transformers is needed.

    Args:
        source: as for `formula`, or a file of weights. Of a config that is given as *source*, the model is built.
        config: a `config.json` path or dict, or a transformers config; by default the class's own, or of a file of
            weights the `config.json` beside it. Where *source* is a name, the config chooses the options.
        device: `meta`, which allocates nothing, or `cpu`.
        values: letters or config fields that differ from the config.

    Raises:
        DependencyError: torch or transformers is missing: `pip install "symcount[hf]"`.
        CheckpointError: a file of weights is broken.
        SymcountError: see `formula` and `symcount.verification.report.verify`.
    """
    if isinstance(source, str | Path) and is_adapter(source):
        from symcount.adapters.api import verify as compare

        return compare(*adapter_of(source, config))
    if isinstance(source, str | Path) and is_checkpoint(Path(source)):
        return _verify_file(Path(source), config, values)
    from symcount.verification.report import verify as run

    if config is None and is_config(source):
        config = read(source)
    if config is not None and not isinstance(source, Formula):
        stated = read(config)
        named = source if isinstance(source, str | type) and not is_config(source) else None
        return run(formula_for(named, stated), config, device=device, **values)
    return run(formula(source), config, device=device, **values)


def _verify_file(path: Path, config: Any, values: dict[str, Any]) -> CheckpointReport:
    from symcount.checkpoints import folders
    from symcount.checkpoints.report import verify_by_config

    checkpoint = folders.read(path)
    stated = folders.config_of(checkpoint) if config is None else read(config)
    found = formula(stated)
    changed = {found.notation[name].letter: value for name, value in values.items()}
    return verify_by_config(checkpoint, found, {**found.bound(stated), **changed}, stated.fields)
