"""Reads the plans of tensor parallelism off transformers' classes: `storage/plans.json`.

`python -m benchmarks.plans` writes the table again; it takes some minutes. A class is built on the meta device from its
default config; a plan that several have is written once.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parents[1] / "src" / "symcount" / "storage" / "plans.json"


def plans(names: list[str]) -> dict[str, dict[str, str] | None]:
    """The plan of each class that can be built: `None` where it has none."""
    import torch

    from symcount.concolic.session import quiet
    from symcount.derivation.given_configs import given_for
    from symcount.derivation.resolve import model_class

    found: dict[str, dict[str, str] | None] = {}
    for name in names:
        try:
            cls: Any = model_class(name)
            with quiet(), torch.device("meta"):
                config = cls.config_class(**(given_for(cls) or {}))
                model = cls(config) if getattr(cls, "_tp_plan", None) or _planned(config) else None
        except Exception as error:  # noqa: BLE001  # a class that cannot be built says nothing
            print(f"{name}: {str(error)[:80]}")
            continue
        found[name] = {str(k): str(v) for k, v in (getattr(model, "tp_plan", None) or {}).items()} or None
    return found


def _planned(config: Any) -> bool:
    """Whether a config class, or that of a part, has a plan: others need not be built."""
    parts = (getattr(config, name, None) for name in type(config).sub_configs)
    return bool(config.base_model_tp_plan) or any(map(_planned, filter(None, parts)))


def main() -> None:
    """Write the table."""
    import transformers

    from symcount.atlas.store import atlas

    warnings.filterwarnings("ignore")
    stored = atlas()
    found = plans(sorted(stored.names) if stored is not None else [])
    distinct: list[dict[str, str]] = []
    classes: dict[str, int | None] = {}
    for name, plan in found.items():
        if plan is not None and plan not in distinct:
            distinct.append(plan)
        classes[name] = None if plan is None else distinct.index(plan)
    table = {"transformers": transformers.__version__, "plans": distinct, "classes": classes}
    TABLE.write_text(json.dumps(table, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
