"""The command `derive`: a closed form from the model's own code, with a certificate."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symcount.cli.looks import Notation, Symbols, SymbolsFile, symbols_of
from symcount.cli.options import ConventionOption, Json, pairs
from symcount.cli.output import complain, emit, note, say
from symcount.cli.presentation import described, present
from symcount.cli.writing import write
from symcount.config.files import load
from symcount.core.ledger import check_convention
from symcount.errors import NotationError, VerificationError
from symcount.typeset.derivation import Seen, derivation
from symcount.typeset.look import Look, word
from symcount.typeset.pdf import compile_document
from symcount.typeset.setting import Setting

if TYPE_CHECKING:
    from symcount.derivation.certified import Certificate
    from symcount.derivation.formula import DerivedFormula

__all__ = ["Seed", "Trials", "derive"]

Trials = Annotated[int, typer.Option(min=1, help="Random points at which the formula meets the real model.")]
Seed = Annotated[int, typer.Option(help="Seed of the random points.")]


def derive(
    model: Annotated[
        str,
        typer.Argument(metavar="CLASS", help="A class name, a model type, a config.json, or your own: net.py:Net."),
    ],
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--option", "-o", metavar="FIELD=VALUE", help="A config field or argument at which to derive. Repeatable."
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            "--config", metavar="FILE", help="The config of a class of your own: a JSON file, or net.py:Config."
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say how it was derived: each run, what it decided, what stays concrete.")
    ] = False,
    certify: Annotated[bool, typer.Option("--certify", help="Compare with real models at random points.")] = False,
    trials: Trials = 8,
    seed: Seed = 0,
    convention: ConventionOption = "unique",
    notation: Notation = None,
    symbols: Symbols = None,
    symbols_file: SymbolsFile = None,
    document: Annotated[
        Path | None,
        typer.Option(
            "--document", metavar="FILE", help="Write the derivation, part by part: .md, .tex, .pdf or .html."
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Derive the closed form of any class of transformers, or of your own, from its own code.

    A class of your own is named by its file or module: net.py:Net, or package.net:Net.
    """
    checked = check_convention(convention)
    form = _form(document)
    from symcount.derivation.api import derive as run

    found = run(model, config=_config(config), **_fields(options or ()))
    certificate = failure = None
    if certify:
        try:
            certificate = found.certify(trials, seed)
        except VerificationError as error:
            failure = str(error)
    if document is not None:
        chosen = symbols_of(symbols, symbols_file, list(found.notation.names))
        look: Look = {"convention": convention, "notation": notation, "symbols": chosen}
        _write_document(document, form, found.setting(**look), _seen(found, certificate))
        return 1 if failure and complain(failure) else 0
    if as_json:
        item = {**described(found, checked, dict(found.defaults)), **_structure(found)}
        if explain:
            item["explanation"] = list(found.story)
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
        where = f"; lost at {line}" if (line := found.lost_at(name)) else ""
        say(f"kept concrete: {name} = {word(value)}; the formula says nothing about other values{where}")
    if found.runs_text():
        say(found.runs_text())
    for line in found.story if explain else ():
        say(line)
    if certificate is not None:
        say(f"\n{certificate}")
    if failure:
        note(f"error: {failure}")
    return 1 if failure else 0


def _config(text: str | None) -> Any:
    """The config that is given by a JSON file, or by the address of one in the user's code."""
    return load(Path(text)) if text is not None and text.endswith(".json") else text


def _form(document: Path | None) -> str:
    """The form of a document, by the ending of its name."""
    endings = {".md": "markdown", ".tex": "tex", ".pdf": "pdf", ".html": "html", ".htm": "html"}
    if document is None:
        return ""
    if document.suffix.lower() not in endings:
        raise NotationError(f"--document {document.name}: expected a name that ends in {', '.join(endings)}")
    return endings[document.suffix.lower()]


def _write_document(file: Path, form: str, setting: Setting, seen: Seen) -> None:
    text = derivation(setting, "tex" if form == "pdf" else form, seen)
    write(file, compile_document(text, runs=2)[0] if form == "pdf" else text + "\n")


def _seen(found: DerivedFormula, certificate: Certificate | None) -> Seen:
    """What the real model has at the sizes of its own config."""
    from symcount.verification.report import verify

    report = verify(found)
    report.raise_for_difference()
    by_tensor: Counter[str] = Counter()
    for tensor in report.tensors:
        if tensor.row is not None and tensor.actual is not None and tensor.row.alias_of is None:
            by_tensor[tensor.row.tensor] += prod(tensor.actual)
    good = sum(not t.difference for t in report.tensors)
    said = [
        f"In transformers {report.version}, {good} of {len(report.tensors)} tensors match in path, shape and sharing."
    ]
    if certificate is not None:
        said.append(f"{certificate}.")
    return Seen(by_tensor, tuple(said))


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
