"""The style `table`: the parts of a model and their layers, with formula, shape, number and share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sympy import Add, Expr

from symcount.core.ledger import Row
from symcount.typeset.content import Cell, Count, Formulas, Share, Table
from symcount.typeset.folding import Folding
from symcount.typeset.latex import set_symbols, terms_of
from symcount.typeset.lines import aligned, broken
from symcount.typeset.outline import Piece, Section
from symcount.typeset.setting import Setting
from symcount.typeset.terms import Group, Sum

__all__ = ["table"]

_COLUMNS = (("Component", "left"), ("Formula", "left"), ("Shape", "left"))

_FORMULA = 24.0  # em: the width at which a formula in a cell is broken
_NARROWEST = 9.0  # em


def table(setting: Setting) -> Table:
    """One row a part of the model, below it one a layer, at the bottom the total."""
    total = setting.at(setting.total)
    rows: list[tuple[Cell, ...]] = []
    levels: list[int] = []
    for section in setting.sections:
        for piece in section.pieces:
            layers = _layers(piece, setting.folding)
            shape = _shape(setting, layers[0][1]) if len(layers) == 1 else ""
            rows.append(_row(setting, section, piece.title, piece.body, shape, total))
            levels.append(0)
            for name, members in layers if len(layers) > 1 else ():
                body = Sum()
                families = {id(f): f for row in members if (f := setting.folding.by_row.get(id(row))) is not None}
                body.terms += setting.folding.series(families.values())
                for row in members:
                    if id(row) not in setting.folding.by_row:
                        body.add(_once(setting, section, row))
                rows.append(_row(setting, section, name, body, _shape(setting, members), total))
                levels.append(1)
    last: tuple[Cell, ...] = ("total", "", "", Count(total), Share(total, total))
    counted = setting.unit.partition(" ")[0].capitalize()  # of `bytes of the cache`
    return Table((*_COLUMNS, (counted, "right"), ("Share", "right")), rows, last, levels)


def _row(setting: Setting, section: Section, name: str, body: Sum, shape: Cell, total: int) -> tuple[Cell, ...]:
    whole = body if section.repeat == 1 else Sum([Group(section.repeat, body)])
    number = setting.at(section.repeat * body.value())
    width = _FORMULA if setting.width is None else max(_NARROWEST, 0.42 * setting.width)
    formula = aligned(broken(terms_of(whole, setting.letters), width))
    return name, Formulas((formula,)), shape, Count(number), Share(number, total)


def _once(setting: Setting, section: Section, row: Row) -> Expr:
    return setting.ledger.counted(row, setting.convention) / section.repeat * setting.folding.single(row)


def _shape(setting: Setting, members: Sequence[Row]) -> Cell:
    """The shapes of the tensors of one layer; of several equal layers, those of each."""
    fold = setting.folding
    first = {(fold.path(row), row.name): fold.shape(row) for row in members if fold.path(row) == fold.path(members[0])}
    names = {(fold.path(row), row.name) for row in members}
    shapes = tuple(r" \times ".join(_side(setting, d) for d in shape) if shape else "1" for shape in first.values())
    return Formulas(shapes, "each " if len(first) < len(names) else "")


def _side(setting: Setting, side: Expr) -> str:
    text = set_symbols(side, setting.letters)
    return f"({text})" if isinstance(side, Add) else text


def _layers(piece: Piece, fold: Folding) -> list[tuple[str, list[Row]]]:
    """The layers of a piece: rows by path, those that follow one another with equal shapes together."""
    paths: dict[str, list[Row]] = {}
    for row in piece.rows:
        paths.setdefault(fold.path(row), []).append(row)
    names = _names(list(paths))
    result: list[tuple[list[str], list[Row]]] = []
    shapes: object = None
    for path, rows in paths.items():
        own = [(fold.times(row), fold.shape(row), row.active) for row in rows]
        if own == shapes:
            result[-1][0].append(names[path])
            result[-1][1].extend(rows)
        else:
            result.append(([names[path]], list(rows)))
        shapes = own
    return [(", ".join(dict.fromkeys(labels)), rows) for labels, rows in result]


def _names(paths: Sequence[str]) -> dict[str, str]:
    """The last name of each path, with the one before it where two are alike."""
    words = {
        path: [w for w in path.split(".") if w and "*" not in w and not w.isdigit()] or ["(model)"] for path in paths
    }
    counts = Counter(w[-1] for w in words.values())
    return {path: " ".join(w[-2:] if counts[w[-1]] > 1 else w[-1:]).replace("_", " ") for path, w in words.items()}
