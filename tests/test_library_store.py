"""Formulas of diffusers and timm that are stored: counted without torch, without SymPy, and as the packages count."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from symcount.ecosystem.build import DIFFUSERS, TIMM, variant_of
from symcount.ecosystem.files import library_formula, library_totals
from symcount.ecosystem.store import flat, stored_totals, totals_at
from symcount.errors import DependencyError

UNET = {"_class_name": "UNet2DConditionModel", **DIFFUSERS["UNet2DConditionModel"][0]}
VAE = {"_class_name": "AutoencoderKL", "_diffusers_version": "0.6.0", **DIFFUSERS["AutoencoderKL"][0]}

#: Totals that were published, or that are those of the published weights.
PUBLISHED = [
    (UNET, 859_520_964),
    ({"_class_name": "UNet2DConditionModel", **DIFFUSERS["UNet2DConditionModel"][1]}, 865_910_724),
    ({"_class_name": "UNet2DConditionModel", **DIFFUSERS["UNet2DConditionModel"][2]}, 2_567_463_684),
    (VAE, 83_653_863),
    ({"architecture": "vit_base_patch16_224", "num_classes": 1000, "num_features": 768}, 86_567_656),
    ({"architecture": "vit_large_patch16_384"}, 304_715_752),
    ({"architecture": "convnext_tiny.fb_in22k", "num_classes": 1000}, 28_589_128),
    ({"architecture": "resnet18", "num_classes": 1000}, 11_689_512),
    ({"architecture": "resnet50", "num_classes": 1000}, 25_557_032),
    ({"architecture": "efficientnet_b0.ra_in1k"}, 5_288_548),
]


@pytest.mark.parametrize(("fields", "total"), PUBLISHED, ids=lambda value: str(value)[:40])
def test_a_published_total(fields, total):
    found = stored_totals(fields)
    assert found is not None and found[1]["unique"] == total == library_totals(fields)[1]["unique"]


def test_neither_torch_nor_sympy_is_needed():
    code = (
        "import sys\nfor name in ('torch', 'diffusers', 'timm', 'transformers', 'sympy'): sys.modules[name] = None\n"
        f"from symcount.ecosystem.files import library_totals\nprint(library_totals({UNET!r})[1]['unique'])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert ran.stdout.strip() == "859520964", ran.stderr


@pytest.mark.parametrize(
    "fields",
    [
        {**UNET, "class_embed_type": "timestep"},
        {**UNET, "block_out_channels": [320, 640, 1280]},
        {**UNET, "attention_head_dim": "8"},
        {**UNET, "cross_attention_dim": 0},
        {**VAE, "norm_num_groups": 0},
        {**VAE, "latent_channels": 4.5},
        {"architecture": "resnet18", "model_args": {"stem_type": "deep"}},
        {"architecture": "resnet18", "num_classes": 0},
        {"architecture": "no_such_model"},
        {"_class_name": "NoSuchModel"},
    ],
    ids=str,
)
def test_what_is_not_stored_is_left_to_the_package(fields, monkeypatch):
    assert stored_totals(fields) is None
    for name in ("diffusers", "timm"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DependencyError, match="pip install"):
        library_totals(fields)


def test_other_numbers_are_counted():
    one = stored_totals({**VAE, "latent_channels": 8})
    other = stored_totals(VAE)
    assert one is not None and other is not None
    assert one[1]["unique"] - other[1]["unique"] == 27 * 512 * 4 + 5 * (8**2 - 4**2) + 5 * 4
    assert stored_totals({"architecture": "resnet18", "num_classes": 10})[1]["unique"] == 11_689_512 - 513 * 990


def test_the_names_are_those_of_timm():
    timm = pytest.importorskip("timm")
    import torch

    for name in [name for name in TIMM if stored_totals({"architecture": name})][::4]:
        with torch.device("meta"):
            real = sum(p.numel() for p in timm.create_model(name, num_classes=7).parameters())
        assert stored_totals({"architecture": name, "num_classes": 7})[1]["unique"] == real, name


@pytest.mark.slow
@pytest.mark.parametrize(("fields", "total"), PUBLISHED, ids=lambda value: str(value)[:40])
def test_a_published_total_is_that_of_the_model_as_the_package_builds_it(fields, total):
    package = pytest.importorskip("diffusers" if "_class_name" in fields else "timm")
    import torch

    with torch.device("meta"):
        if name := fields.get("_class_name"):
            model = getattr(package, name)(**{k: v for k, v in fields.items() if not k.startswith("_")})
        else:
            model = package.create_model(fields["architecture"].partition(".")[0])
    assert sum(p.numel() for p in model.parameters()) == total


@pytest.mark.slow
def test_the_store_is_what_its_builder_makes():
    pytest.importorskip("diffusers")
    formula = library_formula(VAE)
    made = json.loads(json.dumps(variant_of(formula)))
    arguments = flat({**formula.source.kwargs})
    assert totals_at(made, arguments)["unique"] == 83_653_863 == stored_totals(VAE)[1]["unique"]
