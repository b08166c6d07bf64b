"""Reads off transformers' classes what they keep or make in a type of their own: `storage/precision.json`.

`python -m benchmarks.precision` writes the table again; it takes some minutes. What is not in a package that is
installed is left as it was.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parents[1] / "src" / "symcount" / "storage" / "precision.json"
RULES = {"soft": "_keep_in_fp32_modules", "strict": "_keep_in_fp32_modules_strict"}


def classes() -> Iterator[type]:
    """Every model class that transformers defines, also those that are only used inside others."""
    import transformers.models
    from transformers.modeling_utils import PreTrainedModel

    for family in pkgutil.iter_modules(transformers.models.__path__):
        package = importlib.import_module(f"transformers.models.{family.name}")
        for file in sorted(Path(package.__path__[0]).glob("modeling_*.py")):
            try:
                module = importlib.import_module(f"{package.__name__}.{file.stem}")
            except ImportError:  # it needs a package that is not installed
                continue
            for found in vars(module).values():
                if (
                    inspect.isclass(found)
                    and issubclass(found, PreTrainedModel)
                    and found.__module__ == module.__name__
                ):
                    yield found


def kept() -> dict[str, dict[str, list[str]]]:
    """By rule and class, the patterns of what stays in fp32."""
    found: dict[str, dict[str, list[str]]] = {rule: {} for rule in RULES}
    for cls in classes():
        for rule, attribute in RULES.items():
            if patterns := getattr(cls, attribute, None):
                found[rule][cls.__name__] = sorted(patterns)
    return found


def own(names: list[str]) -> dict[str, str]:
    """`Kind.parameter` -> the type in which a module makes it, whatever torch's default is."""
    import torch

    from symcount.derivation.resolve import model_class

    found: dict[str, set[str]] = defaultdict(set)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        for name in names:
            try:
                cls: Any = model_class(name)
                with torch.device("meta"):
                    model = cls(cls.config_class())
            except Exception as error:  # noqa: BLE001  # a class that cannot be built says nothing
                print(f"{name}: {str(error)[:80]}")
                continue
            for module in model.modules():
                if isinstance(module, torch.nn.ParameterList):  # its names say nothing
                    continue
                for parameter, tensor in module._parameters.items():  # its own, not those of modules in it
                    if tensor is not None and tensor.dtype != torch.bfloat16:
                        found[f"{type(module).__name__}.{parameter}"].add(str(tensor.dtype).removeprefix("torch."))
    finally:
        torch.set_default_dtype(before)
    return {key: next(iter(types)) for key, types in sorted(found.items()) if len(types) == 1}


def main() -> None:
    """Write the table."""
    import transformers

    from symcount.atlas.store import atlas

    warnings.filterwarnings("ignore")
    stored = atlas()
    old = json.loads(TABLE.read_text()) if TABLE.exists() else {rule: {} for rule in (*RULES, "own")}
    here = transformers.__version__
    before = old.pop("before", {})
    if old.get("transformers") not in (None, here):  # a newer one: what was otherwise in the one before is kept
        before = {"transformers": old["transformers"]}
    fresh = {**kept(), "own": own(list(stored.names) if stored is not None else [])}
    merged = {name: dict(sorted({**old[name], **fresh[name]}.items())) for name in (*RULES, "own")}
    for name in merged if before.get("transformers") not in (None, here) and "soft" not in before else ():
        changed = {k for k, v in merged[name].items() if old[name].get(k) != v}
        before[name] = {k: old[name].get(k) for k in sorted(changed)}
    TABLE.write_text(json.dumps({"transformers": here, **merged, "before": before}, indent=1) + "\n")


if __name__ == "__main__":
    main()
