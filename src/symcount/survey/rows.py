"""One class, examined: can transformers build it, does it derive, is the formula exact? The answer is one `Row`.

Nothing that happens to a class is an error of the examination: whatever its constructor raises is the row's reason.
As a program (`python -m symcount.survey.rows`) this reads requests from standard input, one JSON object a line,
and answers each with one row: a worker of `symcount.survey.coverage`, which another process may kill.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self, get_args

from symcount.errors import SymcountError
from symcount.survey.workers import serve

__all__ = ["Row", "Status", "examine", "versions"]

Status = Literal["exact", "pinned", "failed", "not_instantiable", "timed_out", "crashed"]


@dataclass(frozen=True)
class Row:
    """What became of one class.

    Attributes:
        name: the class.
        model_type: the key under which it stands in the auto mapping.
        base: whether it is a base model, rather than one with a head.
        status: `exact` where the formula agreed with every real model; `pinned` if it did, but holds at one value of
            some fields only; `failed` if there is no formula or it disagreed; `not_instantiable` if transformers itself
            does not build the class with its default config; `timed_out`, `crashed` for the process that tried.
        reason: why it is not exact; which fields are pinned.
        seconds_plain: one plain construction of the default config and the model on the meta device.
        seconds_derive: derivation and total, without certificate.
        seconds_certify: the certificate.
        points: random points at which the formula agreed with the real model, tensor by tensor.
        trials: points that were asked for.
        seed: of the random points.
        varied: number of config fields that took more than one value there.
        bound: the probability that a wrong formula would have passed is at most this.
        pinned: fields that the formula holds at one value of.
        structural: fields that decide the structure: depths, and what chooses kinds of layers.
        formula: the closed form.
        domain: where it holds.
        versions: of symcount, torch and transformers.
        given: config fields that were given, since transformers does not build the default config.
    """

    name: str
    model_type: str = ""
    base: bool = False
    status: Status = "failed"
    reason: str = ""
    seconds_plain: float | None = None
    seconds_derive: float | None = None
    seconds_certify: float | None = None
    points: int = 0
    trials: int = 0
    seed: int = 0
    varied: int = 0
    bound: float | None = None
    pinned: tuple[str, ...] = ()
    structural: tuple[str, ...] = ()
    formula: str = ""
    domain: str = ""
    versions: str = ""
    given: str = ""

    @property
    def instantiable(self) -> bool:
        """Whether the class belongs to the denominator: transformers builds it with its default config.

        A class whose examination was cut off counts, unless it is known not to.
        """
        return self.status != "not_instantiable"

    def to_json(self) -> dict[str, Any]:
        """A dict in the form of a line of the sweep's file; the name of the class is under `class`."""
        found = asdict(self)
        return {"class": found.pop("name"), **found}

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Self:
        """The row that `to_json` made *item* of.

        Raises:
            KeyError, TypeError, ValueError: *item* is not such a dict.
        """
        known = {f.name for f in fields(cls)} - {"name"}
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in item.items() if k in known}
        if given.get("status") not in get_args(Status):
            raise ValueError(f"status {given.get('status')!r}")
        return cls(name=str(item["class"]), **given)


def versions() -> str:
    """Versions on which the result depends, without importing the packages."""
    from importlib.metadata import PackageNotFoundError, version

    found = [f"symcount {sys.modules['symcount'].__version__}"]
    for package in ("torch", "transformers"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} -")
    return ", ".join(found)


def examine(name: str, *, model_type: str = "", base: bool = False, trials: int = 8, seed: int = 0) -> Row:
    """Build, derive and certify the class called *name*; never raises an `Exception`.

    Args:
        name: a class of transformers.
        model_type: handed on to the row.
        base: handed on to the row.
        trials: random points at which the formula is compared with the real model; 0 for none.
        seed: of the random points.
    """
    row = Row(name, model_type, base, trials=trials, seed=seed, versions=versions())
    try:
        from symcount.derivation.resolve import model_class

        cls = model_class(name)
        given = _buildable(cls)  # once before the clock starts: the first construction imports what it needs
        row = replace(row, given=json.dumps(given) if given else "")
        start = time.perf_counter()
        _plain(cls, given)
        row = replace(row, seconds_plain=_seconds(start))
    except Exception as error:  # noqa: BLE001  # whatever a constructor raises, the class is not instantiable
        return replace(row, status="not_instantiable", reason=_said(error))
    try:
        return _derived(row, cls, given)
    except Exception as error:  # noqa: BLE001  # a defect of the derivation is a row, too
        return replace(row, status="failed", reason=_said(error))


def _buildable(cls: Any) -> dict[str, Any]:
    """The config fields that must be given so that transformers builds the class; raises what its default raised."""
    from symcount.derivation.given_configs import given_for

    try:
        _plain(cls, {})
    except Exception:
        given = given_for(cls)
        if given is None:
            raise
        _plain(cls, given)
        return given
    return {}


def _plain(cls: Any, given: Mapping[str, Any]) -> None:
    """The real model with its default config but for what is *given*, on the meta device."""
    import torch

    with torch.device("meta"):
        cls(cls.config_class(**given))


def _derived(row: Row, cls: type, given: Mapping[str, Any]) -> Row:
    from symcount.derivation.api import derive

    start = time.perf_counter()
    formula = derive(cls, config=dict(given) or None)
    total = formula.total
    row = replace(
        row,
        seconds_derive=_seconds(start),
        pinned=tuple(formula.pinned),
        structural=formula.structural,
        formula=str(total),
        domain=formula.domain_text(),
    )
    status: Status = "pinned" if row.pinned else "exact"
    reason = f"holds for {', '.join(f'{k} = {v}' for k, v in formula.pinned.items())} only" if row.pinned else ""
    if row.trials:
        start = time.perf_counter()
        try:
            found = formula.certify(row.trials, row.seed)
        except SymcountError as error:
            return replace(row, status="failed", reason=_said(error), seconds_certify=_seconds(start))
        row = replace(
            row,
            seconds_certify=_seconds(start),
            points=found.passed,
            varied=len(found.varied),
            bound=float(found.bound),
        )
    return replace(row, status=status, reason=reason)


def _seconds(start: float) -> float:
    return round(time.perf_counter() - start, 4)


def _said(error: BaseException) -> str:
    """An error in one line; of a missing package, its name and how to install it."""
    from symcount.derivation.resolve import missing_package, shortened

    if not isinstance(error, SymcountError) or missing_package(error):
        return shortened(error)
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:299]}…"


def _ready() -> dict[str, Any]:
    try:
        from symcount.derivation import api, certificate  # noqa: F401
        from symcount.derivation.resolve import auto_classes

        auto_classes()
    except SymcountError:
        pass  # each class says so
    return {}


if __name__ == "__main__":
    serve(lambda **asked: examine(**asked).to_json(), _ready)
