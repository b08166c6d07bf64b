"""The command `derive`: a closed form from the model's own code, with a certificate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symcount.cli.options import ConventionOption, Json, pairs
from symcount.cli.output import emit, note, say
from symcount.cli.reading import described, present, word
from symcount.errors import VerificationError
from symcount.ledger import check_convention

if TYPE_CHECKING:
    from symcount.derive.result import DerivedFormula

__all__ = ["Seed", "Trials", "derive"]

Trials = Annotated[int, typer.Option(min=1, help="Random points at which the formula meets the real model.")]
Seed = Annotated[int, typer.Option(help="Seed of the random points.")]


def derive(
    model: Annotated[str, typer.Argument(metavar="CLASS", help="A class name, a model type, or a config.json.")],
    options: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", metavar="FIELD=VALUE", help="A config field at which to derive. Repeatable."),
    ] = None,
    certify: Annotated[bool, typer.Option("--certify", help="Compare with real models at random points.")] = False,
    trials: Trials = 8,
    seed: Seed = 0,
    convention: ConventionOption = "unique",
    as_json: Json = False,
) -> int:
    """Derive the closed form of any class of transformers from its own code."""
    checked = check_convention(convention)
    from symcount.derive.api import derive as run

    found = run(model, **_fields(options or ()))
    certificate = failure = None
    if certify:
        try:
            certificate = found.certify(trials, seed)
        except VerificationError as error:
            failure = str(error)
    if as_json:
        item = {**described(found, checked, dict(found.defaults)), **_structure(found)}
        if certify:
            item["certificate"] = (
                {"exact": False, "seed": seed, "error": failure}
                if certificate is None
                else {
                    "exact": True,
                    "points": certificate.passed,
                    "seed": certificate.seed,
                    "varied": list(certificate.varied),
                    "held": list(certificate.held),
                    "bound": float(certificate.bound),
                }
            )
        emit(item)
        return 1 if failure else 0
    present(found, checked, dict(found.defaults), "default" if not options else "value")
    for name, value in found.pinned.items():
        say(f"kept concrete: {name} = {word(value)}; the formula says nothing about other values")
    if certificate is not None:
        say(f"\n{certificate}")
    if failure:
        note(f"error: {failure}")
    return 1 if failure else 0


def _structure(found: DerivedFormula) -> dict[str, Any]:
    return {
        "pinned": {
            name: value if isinstance(value, int | float) else str(value) for name, value in found.pinned.items()
        },
        "structural": list(found.structural),
    }


def _fields(texts: Sequence[str]) -> dict[str, Any]:
    """Config fields with values in JSON; `null` may be written `none`, and a text without quotes."""
    fields: dict[str, Any] = {}
    for name, text in pairs(texts, "-o", "tie_word_embeddings=false"):
        try:
            fields[name] = json.loads({"none": "null"}.get(text.lower(), text.lower() if text.isalpha() else text))
        except ValueError:
            fields[name] = text
    return fields
