"""Pictures of shares: areas over a size, bars over models. Fonts are embedded as TrueType; each part has its colour.

Floats are for the eye here. Needs matplotlib: `pip install "symcount[plot]"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from symcount.core.files import replacing
from symcount.errors import DependencyError, TypesettingError
from symcount.typeset.colours import colours

__all__ = ["FORMATS", "STYLE", "areas", "bars", "save"]

# what each kind of file would otherwise say of the day or the program that made it
FORMATS: Any = {".svg": {"Date": None}, ".png": {"Software": None}, ".pdf": {"CreationDate": None}}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*x\s*(\d+(?:\.\d+)?)\s*(in|cm|mm|pt)\Z")
_INCH = {"in": 1.0, "cm": 2.54, "mm": 25.4, "pt": 72.27}
_SMALL = 5.0  # inches: narrower pictures have smaller letters
# the same file for the same numbers: no date, no random identifiers; 42 is TrueType, which journals ask for
STYLE: Any = {"svg.hashsalt": "symcount", "svg.fonttype": "path", "pdf.fonttype": 42, "ps.fonttype": 42}


def inches(size: str) -> tuple[float, float]:
    """Width and height in inches.

    >>> inches("3.3x2.4in"), inches("127 x 25.4mm")
    ((3.3, 2.4), (5.0, 1.0))

    Raises:
        TypesettingError: not a size, or one at which nothing can be drawn.
    """
    found = _SIZE.match(size.strip()) if isinstance(size, str) else None
    if found is None:
        raise TypesettingError(f"size {size!r:.80}: expected width and height, such as 3.3x2.4in or 84x60mm")
    width, height = (float(found[i]) / _INCH[found[3]] for i in (1, 2))
    if not (1.5 <= width <= 40 and 1 <= height <= 40):
        raise TypesettingError(f"size {size!r}: expected at least 1.5x1in and at most 40x40in")
    return width, height


def areas(
    path: str | Path, sizes: Sequence[int], parts: Mapping[str, Sequence[int]], *, label: str, title: str, size: str
) -> None:
    """Each part's share over *sizes*, stacked.

    Raises:
        DependencyError: matplotlib is not installed.
        TypesettingError: another kind of file, or *size* is none.
    """

    def draw(axes: Any) -> None:
        axes.stackplot(sizes, _shares(parts), labels=list(parts), colors=colours(parts), edgecolor="white", lw=0.6)
        axes.set(xlim=(sizes[0], sizes[-1]), xlabel=label, title=title)
        if sizes[0] > 0 and sizes[-1] >= 8 * sizes[0]:
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")

    _save(path, draw, size)


def bars(path: str | Path, names: Sequence[str], parts: Mapping[str, Sequence[int]], *, size: str) -> None:
    """Each part's share of each of several models, stacked in a bar a model.

    Raises:
        DependencyError, TypesettingError: see `areas`.
    """

    def draw(axes: Any) -> None:
        below = [0.0] * len(names)
        for part, colour, heights in zip(parts, colours(parts), _shares(parts), strict=True):
            places = range(len(names))
            axes.bar(places, heights, bottom=below, label=part, color=colour, width=0.7, edgecolor="white", lw=0.6)
            below = [a + b for a, b in zip(below, heights, strict=True)]
        turned = {"rotation": 30, "ha": "right"} if len(names) > 2 else {}
        axes.set_xticks(range(len(names)), names, **turned)

    _save(path, draw, size)


def _shares(parts: Mapping[str, Sequence[int]]) -> list[list[float]]:
    totals = [sum(column) for column in zip(*parts.values(), strict=True)]
    return [[100 * n / total for n, total in zip(numbers, totals, strict=True)] for numbers in parts.values()]


def _save(path: str | Path, draw: Callable[[Any], None], size: str) -> None:
    target = Path(path)
    width, height = inches(size)
    if target.suffix.lower() not in FORMATS:
        raise TypesettingError(f"{target.name}: a picture is written as {', '.join(FORMATS)}")
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise DependencyError('pictures need matplotlib: pip install "symcount[plot]"') from None
    letters: Any = {"font.size": 8, "axes.titlesize": 9, "axes.linewidth": 0.6} if width < _SMALL else {}
    with rc_context({**STYLE, **letters}):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.set(ylim=(0, 100), ylabel="share (%)" if width < _SMALL else "share of the parameters (%)")
        handles, labels = axes.get_legend_handles_labels()
        if width < _SMALL:
            figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=7)
        else:
            axes.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        save(figure, target, dpi=160)


def save(figure: Any, target: Path, *, dpi: int) -> None:
    """Write a figure of matplotlib, one and the same file for the same figure.

    Raises:
        ConfigError: the file cannot be written.
    """
    with replacing(target) as temporary:
        figure.savefig(temporary, metadata=FORMATS[target.suffix.lower()], dpi=dpi)
