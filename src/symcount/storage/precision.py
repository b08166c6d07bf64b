"""Which tensors of a model have another type than the rest: what transformers keeps in fp32, and what is made so.

`from_pretrained(…, dtype=…)` makes the model with *dtype* as torch's default, so that what its code makes in a type of
its own has that (`A_log` of a state-space layer), and loads in fp32 what matches a pattern of
`_keep_in_fp32_modules` (in fp16) or `_keep_in_fp32_modules_strict` (in fp16 and bf16) of the class or of a model inside
it. Source: `modeling_utils.py` (`_get_dtype_plan`) and `core_model_loading.py` of transformers. The table beside this
file was read off its classes; `python -m benchmarks.precision` writes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from symcount.config.releases import installed, number
from symcount.core.tree import Block, Parameter
from symcount.formulas.formula import Formula
from symcount.formulas.layerwise import joined
from symcount.storage.dtypes import Dtype, dtype
from symcount.storage.trees import Sizes

__all__ = ["ADAPTERS", "PROMPT", "SAVED", "sizes_of", "table"]

_HALVES = ("float16", "bfloat16")

#: layer types of adapters, which PEFT makes in fp32 beside a model in half precision (`autocast_adapter_dtype`)
ADAPTERS: Final = (
    "LoRA", "DoRA", "AdaLoRA", "VeRA", "LoHa", "LoKr", "IA3", "OFT", "BOFT", "PromptEncoder",
)  # fmt: skip
PROMPT: Final = "prompt_encoder"
"""Where the trained tokens of prompt learning are."""
SAVED: Final = "modules_to_save"
"""Where the trained copies of whole modules are, and the field of an adapter's config that names them."""


@cache
def table() -> Mapping[str, Any]:
    """The classes with patterns (`soft`, `strict`), and the type of what modules make in one of their own (`own`).

    It is that of the newest release of transformers, or of the one `before`, where one before the newest is installed.
    """
    found: dict[str, Any] = json.loads(files("symcount.storage").joinpath("precision.json").read_text("utf-8"))
    before, here = found.pop("before"), installed()
    if here is not None and number(here) < number(found["transformers"]):
        for rule in ("soft", "strict", "own"):
            found[rule] = {k: v for k, v in {**found[rule], **before[rule]}.items() if v is not None}
        found["transformers"] = before["transformers"]
    return found


def _patterns(formula: Formula, of: Dtype) -> list[str]:
    """What stays in fp32, by the class and by the models inside it."""
    if of.name not in _HALVES:
        return []
    kinds = {formula.name, *(block.kind for _, block in formula.tree.walk())}
    rules = ("strict",) if of.name == "bfloat16" else ("soft", "strict")
    return sorted({pattern for rule in rules for kind in kinds for pattern in table()[rule].get(kind, ())})


def sizes_of(formula: Formula, of: Dtype, *, kept: bool = True) -> Sizes:
    """The bytes of an element of each tensor of a model that is loaded in the type *of*.

    Args:
        formula: of the model.
        of: the type that is asked for.
        kept: whether what transformers keeps in fp32 is, and adapters are; otherwise only integers have another size.
    """
    patterns = _patterns(formula, of) if kept else []
    keeps = re.compile("|".join(p.replace("*", ".*") for p in patterns)) if patterns else None
    own: Mapping[str, str] = table()["own"]

    def size(path: str, block: Block, parameter: Parameter) -> int:
        name = joined(path.replace("*", "0"), parameter.name)
        added = block.kind in ADAPTERS or path.startswith(PROMPT)
        if kept and added and of.name in _HALVES:
            return 4
        if keeps is not None and not added and keeps.search(name):
            return 4
        made = own.get(f"{block.kind}.{parameter.name}")
        if made is None or (not kept and "float" in made):
            return of.size
        return dtype(made).size

    return size
