"""One class of the atlas: its layouts, measured and checked. The answer is JSON; whatever goes wrong is a reason.

As a program (`python -m symcount.survey.examine`) this reads requests from standard input, one JSON object a line, and
answers each with one: a worker of `symcount.survey.build`, which another process may kill.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from symcount.errors import DerivationError, SymcountError
from symcount.survey.schema.work import EFFORT
from symcount.survey.workers import serve

if TYPE_CHECKING:
    from symcount.atlas.record import Layout
    from symcount.survey.schema.bases import Base

__all__ = ["activations", "examine"]


@cache
def activations() -> frozenset[str]:
    """Names of activation functions that have no parameters."""
    from transformers.activations import ACT2FN

    found = set()
    for name in ACT2FN:
        try:
            if not list(ACT2FN[name].parameters()):
                found.add(name)
        except Exception:  # noqa: BLE001, S112  # an activation that needs a package that is not there
            continue
    return frozenset(found)


def examine(name: str, model_type: str, base: bool, *, effort: int = EFFORT, trials: int = 8) -> dict[str, Any]:
    """The entry of a class with its trees, or the reason why there is none."""
    from symcount.derivation.resolve import model_class, shortened
    from symcount.verification.real_model import config_class

    row: dict[str, Any] = {"class": name, "model_type": model_type, "base": base, "effort": effort}
    try:
        cls: Any = model_class(name)
        configs: Any = config_class(cls, model_type)
        found = _layouts(cls, configs, effort, trials)
    except SymcountError as error:
        return {**row, "reason": " ".join(str(error).split())[:600]}
    except Exception as error:  # noqa: BLE001  # a constructor raises whatever it likes
        return {**row, "reason": shortened(error)}
    said = str(getattr(configs, "model_type", "") or model_type)
    return {**row, "said": said, "own": configs is cls.config_class, **found}


def _layouts(cls: Any, configs: Any, effort: int, trials: int) -> dict[str, Any]:
    from symcount.survey.schema.bases import bases
    from symcount.survey.schema.check import check
    from symcount.survey.schema.extending import extend
    from symcount.survey.schema.measure import measure

    layouts: list[dict[str, Any]] = []
    trees: list[Any] = []
    notes: list[str] = []
    pending = [*bases(cls, configs)][::-1]
    while pending:
        base = pending.pop()
        try:
            found = measure(cls, configs, base, activations(), effort=effort, trials=trials)
            passed = check(found, activations(), trials)
        except SymcountError as error:
            if not layouts:
                raise
            notes.append(f"{json.dumps(base.types)}: {' '.join(str(error).split())[:300]}")
            continue
        layout, more = extend(found.layout, cls, configs, base, activations(), notes, len(found.trees))
        item = {**layout.to_json(), "configs": passed}
        for formula in item["formulas"]:
            formula["tree"] += len(trees)
        trees += [*found.trees, *more]
        layouts.append(item)
        if len(layouts) == 1 and found.computed:
            pending.append(_given(cls, configs, base, {path: 2 * number for path, number in found.computed.items()}))
        if not base.absent and len(layouts) == 1 and (other := _left_out(cls, configs, base, found.layout)):
            pending.append(other)
        if len(layouts) == 1 and (other := _said_whole(cls, configs, base, layout)):
            pending.append(other)
    if not layouts:
        raise DerivationError(f"{cls.__name__} cannot be built with its default config: {_refusal(cls, configs)}")
    return {"layouts": layouts, "trees": trees, "notes": notes}


def _given(cls: Any, configs: Any, base: Base, numbers: dict[str, int]) -> Base:
    """The base with *numbers*, which a class may only take in a sub-config that is said whole."""
    from symcount.survey.schema.bases import said_whole, with_given
    from symcount.survey.schema.probe import real_total

    found = with_given(base, numbers)
    if real_total(cls, configs, found.raw) is None and (whole := said_whole(cls, configs, base)) is not None:
        return with_given(whole, numbers)
    return found


def _left_out(cls: Any, configs: Any, base: Base, layout: Layout) -> Base | None:
    """The base without sub-configs, if *layout* does not read that."""
    from symcount.survey.schema.bases import left_out
    from symcount.survey.schema.check import counted

    other = left_out(cls, configs, base)
    return None if other is None or counted(layout, activations(), other.raw) is not None else other


def _said_whole(cls: Any, configs: Any, base: Base, layout: Layout) -> Base | None:
    """The base with sub-configs as a saved file has them, if *layout* does not read that."""
    from symcount.survey.schema.bases import said_whole
    from symcount.survey.schema.check import counted

    other = said_whole(cls, configs, base)
    return None if other is None or counted(layout, activations(), other.raw) is not None else other


def _refusal(cls: Any, configs: Any) -> str:
    """What transformers says where it does not build the default config."""
    import torch

    from symcount.derivation.resolve import shortened

    try:
        with torch.device("meta"):
            cls(configs())
    except Exception as error:  # noqa: BLE001  # a constructor raises whatever it likes
        return shortened(error)
    return "a config file without fields is not its default"


if __name__ == "__main__":
    serve(examine, lambda: {"activations": sorted(activations())})
