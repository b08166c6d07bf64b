"""Every file as of the release of transformers that is installed: the stored count beside that release's real model.

    python tests/published/of_release.py             # all files; exit 1 where a count is wrong
    python tests/published/of_release.py bloom-560m  # these only

With another release first on PYTHONPATH it is that one. A file of which the release has no model is counted by nobody
to compare with, and is named. What the atlas refuses is named as well; nothing is derived.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter as Tally
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import transformers
from measure import CONFIGS, CONVENTIONS, measure, real_model

from symcount.architectures.reading import architecture_of
from symcount.atlas.counting import counter
from symcount.config.config import read
from symcount.errors import SymcountError


def counted(path: Path) -> dict[str, int]:
    """The counts of a file without its model's code: by the formula composed by hand, or else by the atlas.

    Raises:
        SymcountError: it is refused.
    """
    try:
        described = read(path)
        architecture = architecture_of(described)
        formula = architecture.formula(**architecture.options_for(described))
        return {convention: formula.count(described, convention=convention) for convention in CONVENTIONS}
    except SymcountError:  # it is of another class
        stored = counter(transformers.__version__)
        assert stored is not None
        totals = stored.count(json.loads(path.read_text(encoding="utf-8")))[1]
        return {convention: totals[convention] for convention in CONVENTIONS}


def compared(path: Path) -> tuple[str, str]:
    """`right`, `wrong`, `refused` or `not built`, and what there is to say about it."""
    try:
        real = measure(real_model(path))
    except Exception as error:  # noqa: BLE001  # whatever it is, the release has no such model
        return "not built", f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
    try:
        ours = counted(path)
    except SymcountError as error:
        return "refused", str(error)
    return ("right", "") if ours == real else ("wrong", f"{ours}, the real model has {real}")


def main() -> int:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="files without .json (default: all)")
    names = parser.parse_args().names or sorted(path.stem for path in CONFIGS.glob("*.json"))
    tally: Tally[str] = Tally()
    for name in names:
        kind, said = compared(CONFIGS / f"{name}.json")
        tally[kind] += 1
        if said:
            print(f"{name}: {kind}: {said}", flush=True)
    kinds = ", ".join(f"{tally[kind]} {kind}" for kind in ("right", "wrong", "refused", "not built"))
    print(f"transformers {transformers.__version__}, {len(names)} files: {kinds}")
    return 1 if tally["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
