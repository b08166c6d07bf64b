"""What one asks of an adapter: where its base model is, and whether its file has what its formula says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from symcount.adapters.config import AdapterConfig
from symcount.checkpoints import folders
from symcount.checkpoints.header import Checkpoint
from symcount.checkpoints.loading import NOTHING
from symcount.checkpoints.report import CheckpointReport
from symcount.checkpoints.report import verify as compare
from symcount.config.files import is_file
from symcount.errors import CheckpointError, ConfigError
from symcount.formulas.formula import Formula
from symcount.storage.precision import SAVED
from symcount.verification.matching import template

__all__ = ["base_of", "verify"]

_WEIGHTS = "adapter_model.safetensors"
_PREFIX = "base_model.model."


def base_of(config: AdapterConfig) -> Path:
    """The `config.json` of the base model, where it lies on this machine: beside the adapter, or where it says.

    Raises:
        ConfigError: it does not.
    """
    beside = Path(config.source).parent
    places = [beside / "config.json"]
    if config.base is not None:
        places += [Path(config.base) / "config.json", beside / config.base / "config.json"]
    for place in places:
        if is_file(place):
            return place
    said = (
        f"this is an adapter of PEFT, and its base model {config.base!r:.120} is no folder here"
        if config.base
        else "this is an adapter of PEFT that does not say its base model"
    )
    raise ConfigError(f"{config.source}: {said}; give the base model's config: --base config.json, or base=…")


def verify(config: AdapterConfig, formula: Formula) -> CheckpointReport:
    """Compare the file beside an adapter's config with its formula: the tensors that are trained, one by one.

    Args:
        config: see `symcount.adapters.config.read`.
        formula: see `symcount.adapters.adapting.adapted`.

    Raises:
        CheckpointError: there is no `adapter_model.safetensors`, or it is broken.
    """
    file = Path(config.source).parent / _WEIGHTS
    if not is_file(file):
        raise CheckpointError(f"{file.parent}: no {_WEIGHTS} beside the config of the adapter")
    trained = replace(formula.ledger, rows=tuple(row for row in formula.ledger if row.trainable))
    checkpoint = _in_the_model(folders.read(file), {template(row.tensor) for row in trained})
    return compare(checkpoint, formula, formula.defaults, NOTHING, ledger=trained)


def _in_the_model(checkpoint: Checkpoint, paths: set[str]) -> Checkpoint:
    """The tensors under the names that they have in the model: without what peft puts before them."""

    def name(stored: str) -> str:
        plain = stored.removeprefix(_PREFIX)
        parts = plain.split(".")
        copies = (".".join([*parts[:i], SAVED, *parts[i:]]) for i in range(1, len(parts)))
        others = (plain.replace(".base_layer.", "."), *copies)  # a bias that is trained; a module, or one inside it
        return next((other for other in others if template(other) in paths), plain)

    headers = tuple(
        replace(h, tensors=tuple(replace(t, name=name(t.name)) for t in h.tensors)) for h in checkpoint.headers
    )
    return replace(checkpoint, headers=headers)
