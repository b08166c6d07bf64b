"""The notes on a config that a `Formula` counts: one composed by hand, or derived from the model's own code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from symcount.atlas.counting import counter
from symcount.config.config import Config
from symcount.config.kind_lists import MARK
from symcount.core.ledger import Row
from symcount.core.paths import section_of
from symcount.core.tree import Block
from symcount.diagnostics.note import Note
from symcount.diagnostics.of_config import Case, Teller, none_given, of_section
from symcount.diagnostics.tied import TiedHead
from symcount.diagnostics.verdicts import SectionKeys, Verdicts
from symcount.errors import SymcountError
from symcount.exact.evaluate import compile_scalar
from symcount.formulas.formula import Formula

__all__ = ["TIED", "notes_on", "untied"]

TIED = "tie_word_embeddings"


def untied(formula: Formula) -> Formula | None:
    """The formula with a head that is a tensor of its own, as in a checkpoint that has one; `None` if none is tied.

    Only of a head that the model itself ties: one within a part that has a config of its own is that part's business.
    """
    found = _tied_row(formula)
    if found is None or _within(*found):
        return None
    row, _ = found

    def without(part: Block, above: str) -> Block:
        path = ".".join(name for name in (above, part.name) if name)
        if not row.path.startswith(path):
            return part
        parameters = tuple(
            replace(p, alias_of=None, same_layer=False) if (path, p.name) == (row.path, row.name) else p
            for p in part.parameters
        )
        return replace(part, parameters=parameters, children=tuple(without(child, path) for child in part.children))

    return replace(formula, tree=without(formula.tree, ""), options={**formula.options, TIED: False})


def _within(row: Row, owner: Row) -> bool:
    return row.tensor.partition(".")[0] == owner.tensor.partition(".")[0]


def _tied_row(formula: Formula) -> tuple[Row, Row] | None:
    """The weight of the tied head and the tensor that it is; `None` if there is none, or more than one."""
    found = [(row, owner) for row, owner in formula.shared if row.role == "head" and len(row.shape) > 1]
    return found[0] if len(found) == 1 else None


def notes_on(config: Config, formula: Formula, teller: Teller | None) -> list[Note]:
    """The notes on a config that was counted by *formula*.

    Args:
        config: the config.
        formula: what counted it.
        teller: of the atlas, which knows the keys of a class better where it has it.
    """
    fields = config.fields
    values = formula.values(formula.bound(config) if fields else {})
    numbers = {e.field: values[e.letter] for e in formula.notation if e.letter in values}
    case = Case(
        formula.name,
        numbers,
        {*numbers, *formula.options}.__contains__,
        lambda: _head(formula),
        lambda: formula.count(config),
    )
    verdicts = _known(fields, formula, teller)
    notes: list[Note] = []
    given = False
    for path, known in verdicts.items():
        own: Any = fields
        for part in path.split(".") if path else ():
            own = own.get(part) if isinstance(own, Mapping) else None
        if isinstance(own, Mapping):
            notes += of_section(path, own, [key for key in own if known[key] is not None], known, fields, case)
            sizes = {*known.section.sizes} - {"num_labels"}
            given = given or any(key in sizes or known.section.aliases.get(key) in sizes for key in own)
    if not given:
        notes += none_given(formula.name, numbers)
    return notes


def _known(fields: Mapping[str, Any], formula: Formula, teller: Teller | None) -> dict[str, Verdicts]:
    stored = counter()
    if teller is not None and stored is not None:
        try:
            entry = stored.entry({**fields, "architectures": [formula.name]})
            return teller.sections(stored.layouts(entry, fields)[0])
        except SymcountError:  # the atlas does not have it
            pass
    return {path: Verdicts(keys) for path, keys in _declared(formula).items()}


def _declared(formula: Formula) -> dict[str, SectionKeys]:
    """The keys of a class that the atlas does not have: the formula's own, and what its config class declares."""
    sizes: dict[str, dict[str, list[str]]] = {"": {}}
    for item in formula.notation:
        section, _, key = item.field.partition(MARK)[0].rpartition(".")
        sizes.setdefault(section, {}).setdefault(key.partition("[")[0], []).append(item.field)
    counting: dict[str, set[str]] = {path: set() for path in sizes}
    for path in (*formula.options, *sizes):
        section, _, key = path.rpartition(".")
        if key:
            counting.setdefault(section, set()).add(key)
    declared, aliases = _config_class(formula.model_type)
    return {
        path: SectionKeys(
            {key: tuple(paths) for key, paths in sizes.get(path, {}).items()},
            frozenset(counting[path]),
            {} if path else aliases,
            frozenset() if path else declared,
        )
        for path in counting
    }


def _config_class(model_type: str) -> tuple[frozenset[str], dict[str, str]]:
    """The keys that transformers' config class of a model type writes, and its other spellings."""
    try:
        from transformers import CONFIG_MAPPING

        made = CONFIG_MAPPING[model_type]()
        return frozenset(made.to_dict()), dict(made.attribute_map)
    except Exception:  # noqa: BLE001  # a model of one's own; or a class whose defaults make no config
        return frozenset(), {}


def _head(formula: Formula) -> TiedHead | None:
    found = _tied_row(formula)
    if found is None:
        return None
    row, owner = found
    letters = [e for e in formula.notation if e.symbol in row.total.free_symbols]
    count = compile_scalar(row.size)
    return TiedHead(
        row.tensor,
        owner.tensor,
        min((section_of(e.field) for e in letters), default=""),
        _within(row, owner),
        tuple(e.field for e in letters),
        lambda *values: (count(dict(zip([e.letter for e in letters], values, strict=True))),),
    )
