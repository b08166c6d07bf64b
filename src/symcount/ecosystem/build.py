"""Writes `libraries.bin`: `python -m symcount.ecosystem.build [FILE [NAME...]]`, with diffusers and timm installed.

Each variant is derived from the package's own code and certified at random points before it is stored. With names of
models of timm, these are added to what the file has.
"""

from __future__ import annotations

import inspect
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from sympy import Symbol

from symcount.atlas.codec import encode
from symcount.concolic.config.config_source import ConfigSource
from symcount.concolic.values.expression import to_sympy
from symcount.derivation.api import derive
from symcount.derivation.formula import DerivedFormula
from symcount.derivation.packages import packaged
from symcount.ecosystem.store import CONVENTIONS, FILE, flat, is_number, matches, totals_at
from symcount.errors import StructureError, SymcountError

__all__ = ["build", "main", "variant_of"]

_DOWN, _UP, _CROSS_DOWN, _CROSS_UP = "DownBlock2D", "UpBlock2D", "CrossAttnDownBlock2D", "CrossAttnUpBlock2D"
_STABLE: Final = {
    "sample_size": 64, "block_out_channels": [320, 640, 1280, 1280], "up_block_types": [_UP, *[_CROSS_UP] * 3],
    "down_block_types": [*[_CROSS_DOWN] * 3, _DOWN],
}  # fmt: skip
_LATENT: Final = {
    "block_out_channels": [128, 256, 512, 512], "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4, "layers_per_block": 2,
}  # fmt: skip

#: Class of diffusers -> the arguments at which it is derived: of models that many people use.
DIFFUSERS: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "UNet2DConditionModel": (
        {**_STABLE, "cross_attention_dim": 768, "attention_head_dim": 8},  # Stable Diffusion 1
        {**_STABLE, "cross_attention_dim": 1024, "attention_head_dim": [5, 10, 20, 20],
         "use_linear_projection": True},  # Stable Diffusion 2
        {"sample_size": 128, "block_out_channels": [320, 640, 1280], "down_block_types": [_DOWN, *[_CROSS_DOWN] * 2],
         "up_block_types": [*[_CROSS_UP] * 2, _UP], "cross_attention_dim": 2048, "attention_head_dim": [5, 10, 20],
         "transformer_layers_per_block": [1, 2, 10], "use_linear_projection": True,
         "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
         "projection_class_embeddings_input_dim": 2816},  # Stable Diffusion XL
    ),
    "AutoencoderKL": (
        {**_LATENT, "latent_channels": 4},
        {**_LATENT, "latent_channels": 16, "use_quant_conv": False, "use_post_quant_conv": False},  # SD 3, Flux
    ),
    "FluxTransformer2DModel": ({"guidance_embeds": True}, {"guidance_embeds": False}),
    "SD3Transformer2DModel": (
        {"num_layers": 24, "num_attention_heads": 24, "caption_projection_dim": 1536, "pos_embed_max_size": 192},
        {"num_layers": 38, "num_attention_heads": 38, "caption_projection_dim": 2432, "pos_embed_max_size": 192,
         "qk_norm": "rms_norm"},
    ),
    "WanTransformer3DModel": (
        {"num_layers": 30, "num_attention_heads": 12, "ffn_dim": 8960},
        {"num_layers": 40, "num_attention_heads": 40, "ffn_dim": 13824, "in_channels": 36, "image_dim": 1280,
         "added_kv_proj_dim": 5120},
    ),
}  # fmt: skip

#: Models of timm that many people use; most of a family share a variant.
TIMM: Final = """
vit_tiny_patch16_224 vit_tiny_patch16_384 vit_small_patch16_224 vit_small_patch16_384 vit_small_patch32_224
vit_base_patch16_224 vit_base_patch16_384 vit_base_patch32_224 vit_base_patch32_384 vit_base_patch8_224
vit_large_patch16_224 vit_large_patch16_384 vit_large_patch32_384 vit_large_patch14_224 vit_huge_patch14_224
vit_base_patch16_clip_224 vit_base_patch32_clip_224 vit_large_patch14_clip_224 vit_large_patch14_clip_336
convnext_tiny convnext_small convnext_base convnext_large convnext_xlarge
resnet18 resnet34 resnet50 resnet101 resnet152 wide_resnet50_2 resnext50_32x4d efficientnet_b0
""".split()


def build(
    progress: Callable[[str, dict[str, Any]], None],
    classes: Mapping[str, Sequence[dict[str, Any]]] = MappingProxyType(DIFFUSERS),
    names: Iterable[str] = TIMM,
    known: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """All that is stored; *progress* is told of each entry, and what there is by then.

    Args:
        progress: is called after each entry.
        classes: of diffusers, with the arguments at which they are derived.
        names: models of timm.
        known: what there is before.
    """
    found: dict[str, Any] = {"diffusers": {}, "timm": {}, "variants": [], **known}
    for name, choices in classes.items():
        for arguments in choices:
            try:
                formula = derive(name, **arguments)
                variant = variant_of(formula)
            except SymcountError as error:
                progress(f"{name}: {error}", found)
                continue
            entry = found["diffusers"].setdefault(name, {"defaults": _defaults(formula), "variants": []})
            entry["variants"].append(variant)
            progress(f"{name}: {formula.count({}):,}", found)
    for name in names:
        try:
            target = packaged(f"timm/{name}", None, {})
            assert target is not None  # noqa: S101  # such a name is always one
            leaves = flat({**_signature(target[0]), **target[1]})
            index = next((i for i, v in enumerate(found["variants"]) if totals_at(v, leaves)), None)
            if index is None:
                found["variants"].append(variant_of(derive(f"timm/{name}")))
                index = len(found["variants"]) - 1
                if not matches(found["variants"][index], leaves):
                    raise StructureError("its own variant does not match it")
            numbers = {path: leaves[path] for path in found["variants"][index]["numbers"]}
            found["timm"][name] = {"variant": index, "arguments": numbers}
            progress(f"{name}: variant {index}", found)
        except SymcountError as error:
            progress(f"{name}: {error}", found)
    return found


def variant_of(formula: DerivedFormula, trials: int = 3) -> dict[str, Any]:
    """What is stored of a formula, after it has met real models at random points.

    Raises:
        VerificationError: it disagrees with one.
        StructureError: it has an operation that is not stored.
    """
    formula.certify(trials)
    leaves = flat(_written(formula.source))
    numbers = [path for path, value in leaves.items() if is_number(value)]
    place = {path: i for i, path in enumerate(numbers)}
    known = {e.field: e.symbol for e in formula.notation}
    symbols = {
        path: Symbol(f"x{i}", **(known[path].assumptions0 if path in known else {"real": True}))
        for path, i in place.items()
    }
    renamed = {known[path]: symbols[path] for path in known}
    conditions = [[">=", f"x{place[e.field]}", str(e.minimum)] for e in formula.notation]
    conditions += [[c.relation, encode(c.left.subs(renamed)), encode(c.right.subs(renamed))] for c in formula.domain]
    for c in formula.asked:
        if c.relation != "ieee" and c.symbols <= symbols.keys():
            conditions.append([c.relation, *(encode(to_sympy(side, symbols, {})) for side in (c.left, c.right))])
    totals = {c: encode(formula.total_as(c).subs(renamed)) for c in CONVENTIONS}
    return {
        "numbers": numbers,
        "fixed": {path: value for path, value in leaves.items() if path not in place},
        "pinned": dict(formula.pinned),
        "conditions": [list(c) for c in dict.fromkeys(map(tuple, conditions))],
        "totals": {c: text for c, text in totals.items() if c == "unique" or text != totals["unique"]},
    }


def _written(value: Any) -> Any:
    """Arguments as they were given, with the fields of each config in its place."""
    if isinstance(value, ConfigSource):
        return {name: _written(item) for name, item in value.kwargs.items()}
    return [_written(item) for item in value] if type(value) in (list, tuple) else value


def _signature(cls: Any) -> dict[str, Any]:
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def _defaults(formula: DerivedFormula) -> dict[str, Any]:
    """The defaults of the constructor's arguments, as a file has them."""
    target: Any = formula.cls
    found = _signature(target.target)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def main(arguments: list[str]) -> None:
    """Write the file, after each entry anew."""
    file, *names = map(Path, arguments) if arguments else (Path(__file__).with_name(FILE),)

    def write(said: str, found: dict[str, Any]) -> None:
        sys.stderr.write(f"{said}\n")
        data = json.dumps(found, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        file.write_bytes(zlib.compress(data.encode(), 9))

    if names:
        build(write, {}, map(str, names), json.loads(zlib.decompress(file.read_bytes())))
    else:
        build(write)


if __name__ == "__main__":
    main(sys.argv[1:])
