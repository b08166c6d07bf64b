"""One colour for each kind of part, the same in every picture and on every page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["PALETTE", "colours"]

# eight colours that people of any colour vision tell apart (Okabe and Ito 2008), light enough for text
PALETTE: Mapping[str, str] = {
    "embeddings": "#0072b2",
    "attention": "#e69f00",
    "norms": "#009e73",
    "feed-forward": "#56b4e9",
    "experts": "#d55e00",
    "mixer": "#cc79a7",
    "head": "#f0e442",
    "convolutions": "#999999",
}


def colours(categories: Iterable[str]) -> list[str]:
    """A colour for each category: its own, or one that no other here has as long as there are such.

    >>> colours(["attention", "pooler", "head"])
    ['#e69f00', '#0072b2', '#f0e442']
    """
    wanted = list(categories)
    free = [colour for name, colour in PALETTE.items() if name not in wanted] or list(PALETTE.values())
    others = [name for name in dict.fromkeys(wanted) if name not in PALETTE]
    given = {name: free[position % len(free)] for position, name in enumerate(others)}
    return [PALETTE.get(name) or given[name] for name in wanted]
