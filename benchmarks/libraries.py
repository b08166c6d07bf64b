"""Classes of diffusers and models of timm: derived, certified at random points, and compared with what is published.

    python -m benchmarks.libraries [NAME...]

needs diffusers and timm; one line a model, as a table in Markdown.
"""

from __future__ import annotations

import sys
import time
import warnings

import symcount as sc
from symcount.errors import SymcountError

DIFFUSERS = """
UNet2DConditionModel UNet2DModel AutoencoderKL FluxTransformer2DModel SD3Transformer2DModel WanTransformer3DModel
PixArtTransformer2DModel DiTTransformer2DModel VQModel HunyuanDiT2DModel CogVideoXTransformer3DModel
LTXVideoTransformer3DModel MochiTransformer3DModel SanaTransformer2DModel AuraFlowTransformer2DModel
Lumina2Transformer2DModel AutoencoderDC AutoencoderTiny UVit2DModel PriorTransformer AllegroTransformer3DModel
QwenImageTransformer2DModel ControlNetModel AutoencoderKLWan HunyuanVideoTransformer3DModel
""".split()
TIMM = """
vit_base_patch16_224 vit_tiny_patch16_224 vit_large_patch14_clip_224 deit_base_patch16_224 deit3_small_patch16_224
beit_base_patch16_224 eva02_tiny_patch14_224 swin_tiny_patch4_window7_224 swinv2_tiny_window8_256 convnext_tiny
convnext_base convnextv2_tiny resnet18 resnet50 resnet101 resnext50_32x4d wide_resnet50_2 seresnet50 regnety_016
regnetx_008 efficientnet_b0 tf_efficientnetv2_s mobilenetv2_100 mobilenetv3_large_100 densenet121 vgg16 mixer_b16_224
gmlp_s16_224 resmlp_12_224 cait_xxs24_224 pvt_v2_b1 poolformer_s12 caformer_s18 levit_128 xcit_tiny_12_p8_224
twins_pcpvt_small crossvit_tiny_240 volo_d1_224 inception_v3 xception41 ghostnet_100 repvgg_a0 hiera_tiny_224
fastvit_t8 davit_tiny focalnet_tiny_srf mambaout_tiny edgenext_small
""".split()
#: Arguments of those that make no model of their own defaults.
GIVEN = {
    "HunyuanDiT2DModel": {
        "num_attention_heads": 16, "attention_head_dim": 88, "in_channels": 4, "patch_size": 2, "hidden_size": 1408,
        "num_layers": 40, "mlp_ratio": 4.3637, "learn_sigma": True, "sample_size": 128,
    },
}  # fmt: skip
#: Totals that were published, or are in the description of the weights.
PUBLISHED = {"vit_base_patch16_224": 86_567_656, "resnet50": 25_557_032, "convnext_tiny": 28_589_128,
             "resnet18": 11_689_512, "densenet121": 7_978_856, "mobilenetv2_100": 3_504_872, "regnetx_008": 7_259_656,
             "mobilenetv3_large_100": 5_483_032, "efficientnet_b0": 5_288_548, "vgg16": 138_357_544,
             "swin_tiny_patch4_window7_224": 28_288_354, "inception_v3": 23_834_568}  # fmt: skip


def row(name: str) -> str:
    """The line of one model."""
    start = time.perf_counter()
    try:
        f = sc.derive(name if name in DIFFUSERS else f"timm/{name}", **GIVEN.get(name, {}))
        seconds = time.perf_counter() - start
        certificate = f.certify(trials=4)
    except SymcountError as error:
        return f"| {name} | – | – | – | {type(error).__name__}: {error!s:.120} |"
    total = f.count({})
    said = "" if PUBLISHED.get(name, total) == total else f"published: {PUBLISHED[name]:,}"
    kept = ", ".join(f"{n} = {v}" for n, v in list(f.pinned.items())[:4])
    kept += f" and {len(f.pinned) - 4} more" if len(f.pinned) > 4 else ""
    return f"| {name} | {total:,} | {len(list(f.notation))} | {certificate.passed} | {kept}{said} | {seconds:.1f} s |"


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    print("| model | parameters | symbols | points | kept at | derived in |\n|---|---:|---:|---:|---|---:|")
    for name in sys.argv[1:] or (*DIFFUSERS, *TIMM):
        print(row(name), flush=True)


if __name__ == "__main__":
    main()
