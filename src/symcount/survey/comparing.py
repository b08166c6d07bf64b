"""A stored entry against the transformers that is installed: the same, another one, or the same but for spellings.

As a program (`python -m symcount.survey.comparing`) this reads requests from standard input, one JSON object a line,
and answers each with one: a worker of `symcount.survey.changes`, which another process may kill.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from symcount.errors import SymcountError
from symcount.survey.workers import serve

__all__ = ["compared"]


def compared(name: str, model_type: str, base: bool, path: str) -> dict[str, Any]:
    """Whether an atlas has what the installed transformers has of a class, as JSON.

    `status` is `same`; `spelled`, with the `row` of an entry without the spellings that the class does not have; or
    `other`, where an entry must be built, with the reason.

    Args:
        name: the class.
        model_type: of whose configs.
        base: whether it is a base model.
        path: of the atlas.
    """
    from symcount.derivation.resolve import model_class, shortened
    from symcount.survey.carrying import carried, disagreement, names_differ
    from symcount.survey.examine import activations
    from symcount.verification.real_model import config_class

    answer: dict[str, Any] = {"class": name, "model_type": model_type, "base": base}
    try:
        cls: Any = model_class(name)
        configs: Any = config_class(cls, model_type)
        said = str(getattr(configs, "model_type", "") or model_type)
        row = _rows(path, said).get(name)
        if row is None:
            return {**answer, "status": "other", "reason": "it is new"}
        known = activations()
        reason = names_differ(row, cls, configs, known) or disagreement(row, cls, configs, known)
        if not reason:
            return {**answer, "status": "same"}
        spelled = carried(row, configs)
        if not names_differ(spelled, cls, configs, known) and not disagreement(spelled, cls, configs, known, row):
            return {**answer, "status": "spelled", "reason": reason, "row": spelled}
    except SymcountError as error:
        reason = " ".join(str(error).split())[:300]
    except Exception as error:  # noqa: BLE001  # a constructor raises whatever it likes
        reason = shortened(error)
    return {**answer, "status": "other", "reason": reason}


@cache
def _rows(path: str, model_type: str) -> dict[str, Any]:
    """The rows of a model type for the release that the installed one is compared with, by class."""
    from symcount.atlas.layers import rows_at
    from symcount.atlas.store import Atlas
    from symcount.derivation.resolve import transformers

    return rows_at(Atlas(Path(path)), transformers().__version__, model_type)


def _ready() -> dict[str, Any]:
    """What every class needs, imported before its time counts."""
    from symcount.survey.examine import activations

    return {"activations": sorted(activations())}


if __name__ == "__main__":
    serve(compared, _ready)
