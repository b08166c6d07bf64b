"""What the real model of each config file has: built by transformers on the meta device, counted with plain torch.

    python tests/published/measure.py             # compare with expected.json, exit 1 where they differ
    python tests/published/measure.py --write     # measure anew; notes and published totals are kept
    python tests/published/measure.py bloom-560m  # of these files only

Nothing here imports symcount, so that the two can disagree. A file is read as a user of transformers would read it
(`AutoConfig`), its class is the one that `architectures` names, or the base model of its `model_type`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import warnings
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import transformers

HERE = Path(__file__).parent
CONFIGS = HERE / "configs"
EXPECTED = HERE / "expected.json"
CONVENTIONS = ("unique", "per_layer", "non_embedding")


def model_class(config: Any) -> type:
    """The class to build: named by `architectures`, otherwise the base model of the config's class."""
    names = config.architectures or []
    if not names:
        return transformers.MODEL_MAPPING[type(config)]
    (name,) = names
    found = getattr(transformers, name, None)
    if found is None:
        module = import_module(type(config).__module__.replace("configuration_", "modeling_"))
        found = getattr(module, name)
    return found


def real_model(path: Path) -> Any:
    """The model that the file describes, on the meta device."""
    transformers.logging.set_verbosity_error()
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        config = transformers.AutoConfig.from_pretrained(str(path), local_files_only=True, trust_remote_code=False)
        return model_class(config)(config)


def measure(model: Any) -> dict[str, int]:
    """Three counts of *model*; what each means is said in the README."""
    embeddings = _embeddings(model)
    seen: set[int] = set()
    uses: Counter[int] = Counter()
    sizes: dict[int, int] = {}
    unique = non_embedding = 0
    modules: dict[int, Any] = {}
    queue = [model]
    while queue:  # not model.modules(): a walk of one's own
        module = queue.pop()
        if id(module) not in modules:
            modules[id(module)] = module
            queue.extend(child for child in module._modules.values() if child is not None)
    for module in modules.values():
        leaf = not _below(module)
        for parameter in module._parameters.values():
            if parameter is None:
                continue
            sizes[id(parameter)] = _size(parameter)
            uses[id(parameter)] += leaf
            if id(parameter) not in seen:
                seen.add(id(parameter))
                unique += _size(parameter)
                non_embedding += 0 if id(parameter) in embeddings else _size(parameter)
    per_layer = sum(size * max(1, uses[key]) for key, size in sizes.items())
    return {"unique": unique, "per_layer": per_layer, "non_embedding": non_embedding}


def _size(parameter: Any) -> int:
    product = 1
    for extent in parameter.shape:
        product *= int(extent)
    return product


def _below(module: Any) -> bool:
    """Whether a module under *module* has a parameter."""
    return any(
        any(p is not None for p in child._parameters.values()) or _below(child)
        for child in module._modules.values()
        if child is not None
    )


def _embeddings(model: Any) -> set[int]:
    """Tensors of the lookup tables outside attention, of the input table and of the projection onto the vocabulary."""
    found: set[int] = set()
    for getter in ("get_input_embeddings", "get_output_embeddings"):
        with contextlib.suppress(NotImplementedError, AttributeError):
            module = getattr(model, getter)()
            if isinstance(module, torch.nn.Module):
                found |= {id(p) for p in module.parameters()}
    stack = [(model, False)]
    while stack:
        module, attention = stack.pop()
        if isinstance(module, torch.nn.Embedding) and not attention:
            found |= {id(p) for p in module.parameters()}
        children = [child for child in module._modules.values() if child is not None]
        stack.extend((child, attention or "attention" in type(child).__name__.lower()) for child in children)
    return found


def entry(path: Path, old: dict[str, Any]) -> dict[str, Any]:
    """The file's line of `expected.json`; `published`, `note` and `fresh` are kept from *old*."""
    model = real_model(path)
    kept = {key: old[key] for key in ("published", "note", "fresh") if key in old}
    return {"class": type(model).__name__, **measure(model), **kept}


def main() -> int:
    """Compare, or write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="files without .json (default: all)")
    parser.add_argument("--write", action="store_true", help="write expected.json")
    options = parser.parse_args()
    expected: dict[str, Any] = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    names = options.names or sorted(path.stem for path in CONFIGS.glob("*.json"))
    found, wrong = dict(expected), 0
    for name in names:
        try:
            found[name] = entry(CONFIGS / f"{name}.json", expected.get(name, {}))
        except Exception as error:  # noqa: BLE001  # every file is tried; what cannot be built is said
            wrong += name in expected
            print(f"{name}: {type(error).__name__}: {' '.join(str(error).split())[:300]}", file=sys.stderr)
            continue
        said = found[name].get("published")
        if said is not None and said != found[name]["unique"] and "note" not in found[name]:
            wrong += 1
            print(f"{name}: published {said:,}, the real model has {found[name]['unique']:,}", file=sys.stderr)
        if not options.write and found[name] != expected.get(name):
            wrong += 1
            print(f"{name}: {expected.get(name)} expected, measured {found[name]}", file=sys.stderr)
    if options.write:
        here = {path.stem for path in CONFIGS.glob("*.json")}
        lines = [f"  {json.dumps(n)}: {json.dumps(found[n], ensure_ascii=False)}" for n in sorted(here & found.keys())]
        EXPECTED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{len(names)} files, {wrong} wrong")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
