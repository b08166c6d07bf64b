"""The few verbs most people need: `formula`, `count`, `verify`."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symcount.adapters.config import is_adapter
from symcount.architectures import find
from symcount.configs import Config, read
from symcount.errors import CheckpointError, ConfigError, DomainError, OptionError, UnknownModelError
from symcount.files import is_checkpoint, is_directory, looks_like_path
from symcount.formula import Formula
from symcount.ledger import check_convention

if TYPE_CHECKING:
    from symcount.adapters.config import AdapterConfig
    from symcount.checkpoints.models import FileModel
    from symcount.checkpoints.report import CheckpointReport
    from symcount.verify import Report

__all__ = ["count", "formula", "model_of", "verify"]


def formula(source: Any, /, **options: Any) -> Formula:
    """The closed form of a model: composed by hand where there is such a formula, derived from its code otherwise.

    Args:
        source: a class name (`BertForMaskedLM`), a model type (`bert`: its base model), a path to a `config.json`,
            a dict of its form, a transformers config, or a transformers class; or an `adapter_config.json`: the base
            model with its adapter, which alone the convention `trainable` counts; or a file of weights: with the
            numbers of its shapes as defaults.
        options: structural options, e.g. `tie_word_embeddings=False`; a config chooses its own. Of an adapter `base`,
            the base model, where it does not lie beside it.

    Raises:
        UnknownModelError: no such model; or none composed by hand, and torch and transformers, which would derive it,
            are not installed.
        ConfigError: a config that cannot be read.
        OptionError: an option that the model does not have.
        DerivationError: no closed form was found; see `symcount.derive`.

    >>> import symcount as sc
    >>> sc.formula("gpt2").expanded()
    12*H**2*N + H*L + 13*H*N + H*V + 2*H
    """
    if isinstance(source, Formula):
        return source
    if isinstance(source, str | Path) and is_adapter(source):
        return _adapter(source, options.get("base"))[1]
    if isinstance(source, str | Path) and is_checkpoint(Path(source)):
        found = model_of(source)
        return replace(found.formula, defaults={**found.formula.defaults, **found.numbers.values})
    try:
        if isinstance(source, type):
            if source.__module__.partition(".")[0] != "transformers":  # it may have the name of one that is
                return _derived(source, options, None)
            return find(source.__name__).formula(**options)
        if isinstance(source, str) and not looks_like_path(source):
            return find(source).formula(**options)
        if isinstance(source, str | Path | dict | Config) or hasattr(source, "to_dict"):
            return _composed(source, read(source), options)
    except UnknownModelError as error:
        return _stored_or_derived(source, options, error)
    raise ConfigError(f"expected a model's name, a config or a class, got {type(source).__name__}")


def _composed(source: Any, config: Config, options: dict[str, Any]) -> Formula:
    """The formula composed for the class of a config, with the config's options; derived where it has others."""
    architecture = config.architecture()
    try:
        chosen = config.options_for(architecture)
    except OptionError:
        if not _derivable():
            raise
        return _derived(source, options, None)
    return architecture.formula(**{**chosen, **options})


def _stored_or_derived(source: Any, options: dict[str, Any], unknown: UnknownModelError) -> Formula:
    """The atlas's formula; derived where the atlas does not have the class, or not with these options."""
    from symcount.atlas.formula import find as stored
    from symcount.atlas.formula import from_config

    try:
        found: Formula | None
        if isinstance(source, str | type) and not is_config(source):
            found = stored(source if isinstance(source, str) else source.__name__, options)
        elif isinstance(source, str | Path | dict | Config):
            found = from_config(read(source), options)
        else:
            found = None  # a transformers config: transformers is there
        if found is not None:
            return found
    except (ConfigError, DomainError):  # transformers may know better, or say in other words why not
        if not _derivable():
            raise
    return _derived(source, options, unknown)


def _derived(
    source: Any, options: dict[str, Any], unknown: UnknownModelError | None, config: dict[str, Any] | None = None
) -> Formula:
    """The formula of a model that nobody composed by hand; without the packages that takes, *unknown* is raised."""
    if unknown is not None and not _derivable():
        raise UnknownModelError(
            f'{unknown} Any class of transformers is derived from its own code after: pip install "symcount[hf]"'
        ) from None
    from symcount.derive.api import derive

    try:
        return derive(source, config=config, **options)
    except UnknownModelError as error:  # of the two lists of names, the one with something near
        if unknown is None or ("Did you mean" in str(error) and "Did you mean" not in str(unknown)):
            raise
        raise unknown from None


def count(source: Any, /, *, convention: str = "unique", **values: Any) -> int:
    """The exact number of parameters of the model that *source* describes; fields left out have their defaults.

    Args:
        source: as for `formula`.
        convention: `unique`, `per_layer`, `non_embedding`, `active` or `trainable`.
        values: letters or config fields that differ from *source*.

    Raises:
        SymcountError: see `formula` and `Formula.count`.

    >>> import symcount as sc
    >>> sc.count("BertForMaskedLM", V=30_000), sc.count("BertForMaskedLM", V=30_000, convention="per_layer")
    (109112880, 132152880)
    """
    config: Any = read(source) if is_config(source) else {}
    if config and not values and (found := _stored_count(config, check_convention(convention))) is not None:
        return found
    return formula(source).count(config, convention=convention, **values)


def _stored_count(config: Config, convention: str) -> int | None:
    """What the atlas says of a config, which it reads as transformers does; `None` if it does not cover it."""
    from symcount.atlas.counting import counter

    stored = counter()
    if stored is None:
        return None
    try:
        return stored.count(config.fields)[1][convention]
    except UnknownModelError:
        return None
    except (ConfigError, DomainError) as error:
        if _is_composed(config) or _derivable():  # they may know better, or say in other words why not
            return None
        raise type(error)(f"{config.source}: {error}") from None


def _is_composed(config: Config) -> bool:
    try:
        config.architecture()
    except (UnknownModelError, ConfigError):
        return False
    return True


def _derivable() -> bool:
    """Whether the packages are there with which a formula is derived."""
    try:
        return find_spec("torch") is not None and find_spec("transformers") is not None
    except ImportError:
        return False


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
        SymcountError: see `formula` and `symcount.verify.verify`.
    """
    if isinstance(source, str | Path) and is_adapter(source):
        from symcount.adapters.api import verify as compare

        return compare(*_adapter(source, config))
    if isinstance(source, str | Path) and is_checkpoint(Path(source)):
        return _verify_file(Path(source), config, values)
    from symcount.verify import verify as run

    if config is None and is_config(source):
        config = read(source)
    if config is not None and not isinstance(source, Formula):
        stated = read(config)
        named = source if isinstance(source, str | type) and not is_config(source) else None
        return run(_formula_for(named, stated), config, device=device, **values)
    return run(formula(source), config, device=device, **values)


def _adapter(source: str | Path, base: Any) -> tuple[AdapterConfig, Formula]:
    """The config of an adapter, and the formula of its base model with it."""
    from symcount.adapters.adapting import adapted
    from symcount.adapters.api import base_of
    from symcount.adapters.config import read as read_adapter
    from symcount.verify import numbers_at

    config = read_adapter(source)
    given = base_of(config) if base is None else base
    if isinstance(given, str | Path) and is_directory(given):
        given = Path(given) / "config.json"
    found = formula(given)
    values = read(given).values_for(found) if is_config(given) else dict(found.defaults)
    return config, adapted(found, config, numbers_at(found, values))


def model_of(source: str | Path, config: Any = None) -> FileModel:
    """The model that a file of weights is of: its formula, and the numbers at which that has the file's shapes.

    Args:
        source: a folder, `*.safetensors`, its index, or `*.gguf`.
        config: by default the `config.json` beside it; where there is none, every class is tried whose tensors are
            called like the file's.

    Raises:
        CheckpointError: a broken file, or one that no class has exactly the tensors of.
        SymcountError: see `formula`.
    """
    from symcount.checkpoints import folders
    from symcount.checkpoints.models import model_of as run

    checkpoint = folders.read(Path(source))
    if config is not None:
        stated = read(config)
    else:
        try:
            stated = folders.config_of(checkpoint)
        except CheckpointError:
            return run(checkpoint, None, formula)
    return run(checkpoint, stated, formula)


def _verify_file(path: Path, config: Any, values: dict[str, Any]) -> CheckpointReport:
    from symcount.checkpoints import folders
    from symcount.checkpoints.packed import bits_of
    from symcount.checkpoints.report import verify as compare

    checkpoint = folders.read(path)
    stated = folders.config_of(checkpoint) if config is None else read(config)
    found = formula(stated)
    changed = {found.notation[name].letter: value for name, value in values.items()}
    return compare(checkpoint, found, {**stated.values_for(found), **changed}, bits=bits_of(stated.fields))


def _formula_for(named: str | type | None, stated: Config) -> Formula:
    """The formula of the class *named*, or of the one that the config names, with the config's options."""
    try:
        if named is None:
            architecture = stated.architecture()
        else:
            architecture = find(named if isinstance(named, str) else named.__name__)
        return architecture.formula(**stated.options_for(architecture))
    except UnknownModelError as error:
        if named is None:
            return _derived(stated, {}, error)
        fields = {k: v for k, v in stated.fields.items() if k not in ("architectures", "model_type")}
        return _derived(named, {}, error, fields)


def is_config(source: Any) -> bool:
    return not isinstance(source, Formula | type) and not (isinstance(source, str) and not looks_like_path(source))
