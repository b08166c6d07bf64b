"""Which formula a name, a config, a class, an adapter or a file of weights has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symcount.architectures import Architecture, find
from symcount.architectures.reading import architecture_of
from symcount.atlas.counting import derivable
from symcount.atlas.speaker import speaker
from symcount.config.config import Config, read
from symcount.config.files import is_adapter, is_checkpoint, is_directory, looks_like_path
from symcount.config.releases import is_installed
from symcount.core.paths import with_values
from symcount.diagnostics.of_formula import TIED, untied
from symcount.ecosystem.files import is_of_library, library_formula
from symcount.errors import (
    CheckpointError,
    ConfigError,
    ContradictedError,
    DomainError,
    OptionError,
    SymcountError,
    UnknownModelError,
)
from symcount.foreign import guarded
from symcount.formulas.formula import Formula

if TYPE_CHECKING:
    from symcount.adapters.config import AdapterConfig
    from symcount.checkpoints.models import FileModel

__all__ = ["adapter_of", "formula", "formula_for", "is_config", "model_of", "sizes_of"]


@guarded
def formula(source: Any, /, *, transformers: str = "", **options: Any) -> Formula:
    """The closed form of a model: composed by hand where there is such a formula, derived from its code otherwise.

    Args:
        source: a class name (`BertForMaskedLM`), a model type (`bert`: its base model), a path to a `config.json`,
            a dict of its form, a transformers config, or a transformers class; or an `adapter_config.json`: the base
            model with its adapter, which alone the convention `trainable` counts; or a file of weights: with the
            numbers of its shapes as defaults.
        transformers: the version of transformers of whose class it is to be; by default the one that is installed,
            or else see `count`.
        options: structural options, e.g. `tie_word_embeddings=False`, of a sub-config by their path
            (`**{"text_config.attention_bias": True}`); a config chooses its own. Of an adapter `base`,
            the base model, where it does not lie beside it.

    Raises:
        UnknownModelError: no such model; or none composed by hand, and torch and transformers, which would derive it,
            are not installed; or not in the version that is asked for.
        ConfigError: a config that cannot be read.
        UncoveredError: no formula is stored for the version that is asked for.
        OptionError: an option that the model does not have.
        DerivationError: no closed form was found; see `symcount.derive`.

    >>> import symcount as sc
    >>> sc.formula("gpt2").expanded()
    12*H**2*N + H*L + 13*H*N + H*V + 2*H
    """
    if isinstance(source, Formula):
        return source
    if isinstance(source, str | Path) and is_adapter(source):
        return adapter_of(source, options.get("base"))[1]
    if isinstance(source, str | Path) and is_checkpoint(Path(source)):
        held = model_of(source)
        return replace(held.formula, defaults={**held.formula.defaults, **held.numbers.values})
    if any("." in name for name in options):  # of a sub-config: text_config.attention_bias
        if is_config(source):
            stated = read(source)
            source = replace(stated, fields=with_values(stated.fields, options))
            options = {name: value for name, value in options.items() if "." not in name}
        else:
            options = with_values({}, options)
    found = _formula(source, options, transformers)
    if options.get(TIED) is False:  # some classes tie the head whatever the config says
        return untied(found) or found
    return found


def _formula(source: Any, options: dict[str, Any], version: str) -> Formula:
    try:
        if isinstance(source, type):
            if source.__module__.partition(".")[0] != "transformers":  # it may have the name of one that is
                return _derived(source, options, None)
            return _of_architecture(find(source.__name__), options)
        if isinstance(source, str) and not looks_like_path(source):
            return _of_architecture(find(source), options)
        if isinstance(source, str | Path | dict | Config) or hasattr(source, "to_dict"):
            described = read(source)
            if is_of_library(described.fields):
                return library_formula({**described.fields, **options})
            return _composed(source, described, options, version)
    except UnknownModelError as error:
        return _stored_or_derived(source, options, error, version)
    raise ConfigError(f"expected a model's name, a config or a class, got {type(source).__name__}")


def _of_architecture(architecture: Architecture, options: dict[str, Any]) -> Formula:
    """The formula composed for these options; where the class ties its head always, it may be untied all the same."""
    if options.get(TIED) is False and TIED not in architecture.options:
        rest = architecture.formula(**{name: value for name, value in options.items() if name != TIED})
        if untied(rest) is not None:
            return rest
    return architecture.formula(**options)


def _composed(source: Any, config: Config, options: dict[str, Any], version: str) -> Formula:
    """The formula composed for the class of a config, with the config's options; derived where it has others."""
    architecture = architecture_of(config)
    try:
        chosen = architecture.options_for(config)
    except OptionError:
        if not derivable() or not is_installed(version):
            raise
        return _derived(source, options, None)
    found = _of_architecture(architecture, {**chosen, **options})
    if options or not _is_contradicted(found, config, version):
        return found
    unknown = UnknownModelError(f"{found.name} is composed for other configs.")
    return _stored_or_derived(source, options, unknown, version)


def stored_count(config: Config, version: str = "") -> int | None:
    """The number of parameters that the atlas counts for a config; `None` where it does not have the class.

    Raises:
        ConfigError, OptionError, DomainError: the atlas refuses it.
    """
    speaks = speaker(config.fields, version)
    return None if speaks is None else int(speaks.counter.count(config.fields)[1]["unique"])


def _is_contradicted(composed: Formula, config: Config, version: str) -> bool:
    """Whether the atlas counts a config otherwise: it reads a key that the composed formula does not have.

    That is `head_dim` of ViT, for example, which only newer config classes declare.
    """
    try:
        stored = stored_count(config, version)
        return stored is not None and composed.count(config) != stored
    except ContradictedError:  # it says so itself
        return True
    except SymcountError:  # told where it is counted
        return False


def _stored_or_derived(source: Any, options: dict[str, Any], unknown: UnknownModelError, version: str) -> Formula:
    """The atlas's formula; derived where the atlas does not have the class, or not with these options."""
    from symcount.atlas.formula import find as stored
    from symcount.atlas.formula import from_config

    try:
        found: Formula | None
        if isinstance(source, str | type) and not is_config(source):
            found = stored(source if isinstance(source, str) else source.__name__, options, version)
        elif version or isinstance(source, str | Path | dict | Config):
            found = from_config(read(source), options, version)
        else:
            found = None  # a transformers config: transformers is there
        if found is not None:
            return found
    except (ConfigError, DomainError, OptionError):  # transformers may know better, or say in other words why not
        if not derivable() or not is_installed(version):
            raise
    if not is_installed(version):
        raise UnknownModelError(f"{unknown} No formula of it is stored for transformers {version}") from None
    return _derived(source, options, unknown)


def _derived(
    source: Any, options: dict[str, Any], unknown: UnknownModelError | None, config: dict[str, Any] | None = None
) -> Formula:
    """The formula of a model that nobody composed by hand; without the packages that takes, *unknown* is raised."""
    if unknown is not None and not derivable():
        raise UnknownModelError(
            f'{unknown} Any class of transformers is derived from its own code after: pip install "symcount[hf]"'
        ) from None
    from symcount.derivation.api import derive

    try:
        return derive(source, config=config, **options)
    except UnknownModelError as error:  # of the two lists of names, the one with something near
        if unknown is None or ("Did you mean" in str(error) and "Did you mean" not in str(unknown)):
            raise
        raise unknown from None


def formula_for(named: str | type | None, stated: Config) -> Formula:
    """The formula of the class *named*, or of the one that the config names, with the config's options."""
    try:
        if named is None:
            architecture = architecture_of(stated)
        else:
            architecture = find(named if isinstance(named, str) else named.__name__)
        return architecture.formula(**architecture.options_for(stated))
    except UnknownModelError as error:
        if named is None:
            return _derived(stated, {}, error)
        fields = {k: v for k, v in stated.fields.items() if k not in ("architectures", "model_type")}
        return _derived(named, {}, error, fields)


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


def adapter_of(source: str | Path, base: Any) -> tuple[AdapterConfig, Formula]:
    """The config of an adapter, and the formula of its base model with it."""
    from symcount.adapters.adapting import adapted
    from symcount.adapters.api import base_of
    from symcount.adapters.config import read as read_adapter
    from symcount.verification.report import numbers_at

    config = read_adapter(source)
    given = base_of(config) if base is None else base
    if isinstance(given, str | Path) and is_directory(given):
        given = Path(given) / "config.json"
    found = formula(given)
    values = found.bound(given) if is_config(given) else dict(found.defaults)
    return config, adapted(found, config, numbers_at(found, values))


def is_config(source: Any) -> bool:
    """Whether *source* is a config or the path of one, not a model's name or class."""
    return not isinstance(source, Formula | type) and not (isinstance(source, str) and not looks_like_path(source))


def sizes_of(source: Any, found: Formula, values: Mapping[str, Any] | None) -> dict[str, Any]:
    """The sizes that a config gives, and *values* that differ, by letter; a model that is no config gives none."""
    own = found.bound(source) if is_config(source) else {}
    return {**own, **{found.notation[name].letter: value for name, value in (values or {}).items()}}
