"""Reads off PEFT which modules it adapts by default, and which models' experts it converts: `adapters/peft.json`.

`python -m benchmarks.peft_table` writes the table again; PEFT and transformers must be installed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parents[1] / "src" / "symcount" / "adapters" / "peft.json"
METHODS = ("lora", "ia3", "adalora", "vera", "loha", "lokr", "oft", "boft")
CONVERTED = ("mixtral", "qwen2_moe")


def read_off() -> dict[str, Any]:
    """The table."""
    import peft
    import transformers
    from peft.utils import constants
    from peft.utils import transformers_weight_conversion as conversion

    known = conversion._MODEL_TO_CONVERSION_PATTERN
    converted = {kind: base for kind, base in known.items() if base in CONVERTED}
    converted = {k: v for k, v in converted.items() if conversion.get_checkpoint_conversion_mapping(k) is not None}
    return {
        "peft": peft.__version__,
        "transformers": transformers.__version__,
        "targets": {
            m: getattr(constants, f"TRANSFORMERS_MODELS_TO_{m.upper()}_TARGET_MODULES_MAPPING") for m in METHODS
        },
        "feedforward": constants.TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING,
        "converted": dict(sorted(converted.items())),
        "names": {base: conversion._MOE_TARGET_MODULE_MAPPING[base] for base in CONVERTED},
        "fused": {base: conversion._MOE_FUSED_TARGETS[base] for base in CONVERTED},
    }


def main() -> None:
    """Write the table."""
    TABLE.write_text(json.dumps(read_off(), indent=1) + "\n")


if __name__ == "__main__":
    main()
