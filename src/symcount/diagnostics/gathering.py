"""Writing `words.json`: what the entries of the atlas know of the keys of transformers' config classes.

python -m symcount.diagnostics.gathering
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from symcount.atlas.store import Atlas, atlas
from symcount.core.notation import ALIASES
from symcount.core.paths import split
from symcount.diagnostics.words import PATH
from symcount.errors import ConfigError

__all__ = ["gathered", "text"]


def gathered(source: Atlas) -> dict[str, Any]:
    """The content of the file."""
    keys: set[str] = set()
    meanings: dict[str, set[str]] = defaultdict(set)
    for spelling, target in ALIASES.items():
        meanings[spelling].add(target)
    for name, model_type in [(cls, said) for cls in source.names for said in source.model_types(cls)]:
        entry = source.find(name, model_type)
        assert entry is not None  # noqa: S101  # it is one of the atlas's own names
        for layout in entry.layouts:
            for section in layout.sections.values():
                keys |= {*section.types, *section.aliases, *section.lengths}
                for alias, key in section.aliases.items():
                    meanings[key].add(alias)
            keys |= {split(path)[1] for path in (*layout.numbers, *layout.checks, *layout.sections) if path}
    return {"keys": sorted(keys), "meanings": {key: sorted(said) for key, said in sorted(meanings.items())}}


def text(found: dict[str, Any]) -> str:
    """As it is written: one key a line, so that changes can be read."""
    return json.dumps(found, indent=0, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    shipped = atlas()
    if shipped is None:
        raise ConfigError("there is no atlas; build one: symcount atlas build")
    Path(PATH).write_text(text(gathered(shipped)), encoding="utf-8")
