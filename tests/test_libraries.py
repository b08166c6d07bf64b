"""Files of diffusers, timm, sentence-transformers, Llama and Mistral: counted as the packages themselves count."""

from __future__ import annotations

import json

import pytest

import symcount as sc
from symcount.cli import run
from symcount.config.params import as_config
from symcount.ecosystem.files import is_of_library
from symcount.errors import ConfigError, DependencyError, OptionError, SymcountError, UnknownModelError

LLAMA = {"dim": 4096, "n_layers": 32, "n_heads": 32, "norm_eps": 1e-05}
LLAMA_3 = {**LLAMA, "n_kv_heads": 8, "vocab_size": 128256, "multiple_of": 1024, "ffn_dim_multiplier": 1.3}
MISTRAL = {**LLAMA, "n_kv_heads": 8, "head_dim": 128, "hidden_dim": 14336, "vocab_size": 32000, "sliding_window": 4096}
EXPERTS = {"num_experts_per_tok": 2, "num_experts": 8}

#: A params.json, and the total that was published.
PARAMS = {
    "Llama 7B": ({**LLAMA, "multiple_of": 256, "vocab_size": 32000}, 6_738_415_616),
    "Llama 2 70B": (
        {"dim": 8192, "n_layers": 80, "n_heads": 64, "n_kv_heads": 8, "multiple_of": 4096, "vocab_size": 32000,
         "ffn_dim_multiplier": 1.3, "norm_eps": 1e-05}, 68_976_648_192,
    ),
    "Llama 3 8B": (LLAMA_3, 8_030_261_248),
    "Llama 3.1 405B": (
        {"dim": 16384, "n_layers": 126, "n_heads": 128, "n_kv_heads": 8, "multiple_of": 4096, "vocab_size": 128256,
         "ffn_dim_multiplier": 1.2, "norm_eps": 1e-05, "use_scaled_rope": True}, 405_853_388_800,
    ),
    "Mistral 7B": (MISTRAL, 7_241_732_096),
    "Mixtral 8x7B": ({**MISTRAL, "moe": EXPERTS}, 46_702_792_704),
}  # fmt: skip


@pytest.mark.parametrize("name", PARAMS)
def test_a_params_json(name, tmp_path, capsys):
    fields, total = PARAMS[name]
    file = tmp_path / "params.json"
    file.write_text(json.dumps(fields))
    assert sc.count(fields) == sc.count(str(file)) == total
    assert run(["count", "-c", "unique", str(file)]) == 0
    assert capsys.readouterr().out.strip() == f"{total:,}"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({**LLAMA_3, "vocab_size": -1}, "vocab_size is that of tokenizer.model, which is not beside it"),
        ({**LLAMA_3, "dim": 0}, "dim: expected an integer of at least 1, got 0"),
        ({**LLAMA_3, "ffn_dim_multiplier": "x"}, "ffn_dim_multiplier: expected a finite number above 0, got 'x'"),
        (
            {**LLAMA_3, "ffn_dim_multiplier": float("inf")},
            "ffn_dim_multiplier: expected a finite number above 0, got inf",
        ),
        (
            {**LLAMA_3, "ffn_dim_multiplier": 1e308},
            r"ffn_dim_multiplier: expected a finite number above 0, got 1e\+308",
        ),
        ({**MISTRAL, "moe": {"experts": 8}}, "moe: expected num_experts and num_experts_per_tok"),
    ],
)
def test_a_params_json_that_does_not_say_what_is_needed(fields, words):
    with pytest.raises(ConfigError, match=words):
        sc.count(fields)


def test_what_is_no_params_json():
    for fields in ({"dim": 3, "n_layers": 2}, {**LLAMA_3, "moe_args": {}}, {"dim": 8, "n_layers": 1, "n_heads": 2}):
        assert as_config(fields) is None


def test_the_vocabulary_of_the_tokenizer_beside_it(tmp_path):
    piece = b"\n\x0c\n\x05<unk>\x15\0\0\0\0"
    (tmp_path / "params.json").write_text(json.dumps({**LLAMA, "multiple_of": 256, "vocab_size": -1}))
    (tmp_path / "tokenizer.model").write_bytes(piece * 32000 + b"\x12\x02\x08\x01")
    assert sc.count(str(tmp_path / "params.json")) == 6_738_415_616
    for broken in (piece * 3 + b"\n\x7f", b"", b"\n", b"\xff" * 20, b"\x0b\0"):
        (tmp_path / "tokenizer.model").write_bytes(broken)
        with pytest.raises(ConfigError, match=r"tokenizer\.model: .*write vocab_size into params\.json"):
            sc.count(str(tmp_path / "params.json"))


def write(folder, **files):
    for name, content in files.items():
        file = folder / name.replace("__", "/") / ("config.json" if name not in ("model_index", "modules") else "")
        file = file if name not in ("model_index", "modules") else folder / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))
    return str(folder)


BERT = {"architectures": ["BertForMaskedLM"], "model_type": "bert", "hidden_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "intermediate_size": 96, "vocab_size": 100}  # fmt: skip
MODULES = [
    {"idx": 0, "name": "0", "path": "0_Transformer", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"},
    {"idx": 3, "name": "3", "path": "3_LayerNorm", "type": "sentence_transformers.models.LayerNorm"},
]
SENTENCES = {
    "modules": MODULES, "0_Transformer": BERT, "2_Dense": {"in_features": 48, "out_features": 16, "bias": True},
    "3_LayerNorm": {"dimension": 16},
}  # fmt: skip


def test_a_model_of_sentence_transformers(tmp_path, capsys):
    folder = write(tmp_path, **SENTENCES)
    assert run(["count", folder, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    bert = sc.count("BertModel", **{k: v for k, v in BERT.items() if isinstance(v, int)})
    assert [part["unique"] for part in found["parts"]] == [bert, 0, 48 * 16 + 16, 32]
    assert found["unique"] == bert + 48 * 16 + 16 + 32 and found["class"] == "SentenceTransformer"
    assert run(["count", folder]) == 0
    out = capsys.readouterr().out
    assert "2_Dense" in out and f"{found['unique']:,}" in out


def test_a_model_of_sentence_transformers_as_it_is_loaded(tmp_path, capsys):
    models = pytest.importorskip("sentence_transformers.models")
    import torch
    from transformers import BertConfig, BertModel

    parts = [
        models.Dense(48, 16), models.LayerNorm(16), models.WeightedLayerPooling(48, num_hidden_layers=7, layer_start=2),
        models.CNN(48, 10, [1, 3]),
    ]  # fmt: skip
    kinds = ("Dense", "LayerNorm", "WeightedLayerPooling", "CNN")
    with torch.device("meta"):
        total = BertModel(BertConfig(**{k: v for k, v in BERT.items() if k != "architectures"})).num_parameters()
    files = {f"{i}_{kind}": part.get_config_dict() for i, (kind, part) in enumerate(zip(kinds, parts, strict=True), 1)}
    index = [MODULES[0], *({"idx": 0, "name": n, "path": n, "type": f"x.{n[2:]}"} for n in files)]
    folder = write(tmp_path, modules=index, **{"0_Transformer": BERT}, **files)
    assert run(["count", folder, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = [total, *(sum(p.numel() for p in part.parameters()) for part in parts)]
    assert [part["unique"] for part in found["parts"]] == expected


def test_a_part_that_is_not_there(tmp_path, capsys):
    folder = write(tmp_path, **{**SENTENCES, "modules": [*MODULES, {"path": "4_Odd", "type": "x.Odd"}], "4_Odd": {}})
    (tmp_path / "2_Dense" / "config.json").unlink()
    assert run(["count", folder]) == 2
    out, err = capsys.readouterr()
    assert "sum without 2_Dense, 4_Odd" in out
    assert "2_Dense/config.json: No such file" in err and "a module 'Odd' of sentence-transformers is not known" in err


WRONG_MODULES = [
    ({"in_features": 48.5, "out_features": 16}, "in_features: expected an integer of at least 1, got 48.5"),
    ({"in_features": 48}, "out_features: expected an integer of at least 1, got None"),
    ({"in_features": True, "out_features": 16}, "in_features: expected an integer of at least 1, got True"),
]


@pytest.mark.parametrize(("dense", "words"), WRONG_MODULES)
def test_a_size_of_a_module_that_is_no_integer_is_not_rounded(dense, words, tmp_path, capsys):
    assert run(["count", write(tmp_path, **{**SENTENCES, "2_Dense": dense})]) == 2
    assert f"2_Dense/config.json: {words}" in capsys.readouterr().err


UNET = {"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.6.0", "act_fn": "silu",
        "attention_head_dim": 8, "block_out_channels": [320, 640, 1280, 1280], "cross_attention_dim": 768,
        "down_block_types": [*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"], "in_channels": 4, "layers_per_block": 2,
        "out_channels": 4, "sample_size": 64, "up_block_types": ["UpBlock2D", *["CrossAttnUpBlock2D"] * 3]}  # fmt: skip
VAE = {"_class_name": "AutoencoderKL", "block_out_channels": [128, 256, 512, 512], "in_channels": 3,
       "down_block_types": ["DownEncoderBlock2D"] * 4, "latent_channels": 4, "layers_per_block": 2, "out_channels": 3,
       "up_block_types": ["UpDecoderBlock2D"] * 4}  # fmt: skip
PIPELINE = {"_class_name": "StableDiffusionPipeline", "text_encoder": ["transformers", "CLIPTextModel"],
            "scheduler": ["diffusers", "PNDMScheduler"], "tokenizer": ["transformers", "CLIPTokenizer"],
            "vae": ["diffusers", "AutoencoderKL"], "safety_checker": [None, None]}  # fmt: skip
CLIP = {"model_type": "clip_text_model", "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12,
        "num_hidden_layers": 12, "vocab_size": 49408, "max_position_embeddings": 77}  # fmt: skip


def test_a_pipeline_of_diffusers(tmp_path, capsys):
    folder = write(tmp_path, model_index=PIPELINE, text_encoder=CLIP, vae=VAE)
    assert run(["count", f"{folder}/model_index.json", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["missing"] == [] and found["class"] == "StableDiffusionPipeline"
    numbers = {part["part"]: part["unique"] for part in found["parts"]}
    assert numbers == {"text_encoder": 123_060_480, "scheduler": 0, "tokenizer": 0, "vae": 83_653_863}
    assert found["unique"] == 123_060_480 + 83_653_863


def test_the_published_unet():
    assert sc.count(UNET) == 859_520_964


def test_a_pipeline_is_no_model():
    pytest.importorskip("diffusers")
    with pytest.raises(UnknownModelError, match="a pipeline of several models; count its folder"):
        sc.derive("StableDiffusionPipeline")


def test_classes_of_diffusers():
    diffusers = pytest.importorskip("diffusers")
    f = sc.derive(diffusers.DiTTransformer2DModel, num_layers=4)
    assert f.certify(trials=2).passed == 2 and not f.pinned
    assert f.count({"num_layers": 6}) == f.count({"_class_name": "DiTTransformer2DModel", "num_layers": 6})
    with pytest.raises(ConfigError, match="is a config of VQModel, but the formula is of DiTTransformer2DModel"):
        f.count({"_class_name": "VQModel"})
    with pytest.raises(OptionError, match=r"takes no argument 'num_layer'. Did you mean num_layers?"):
        sc.derive("DiTTransformer2DModel", num_layer=4)
    with pytest.raises(UnknownModelError, match=r"diffusers .* has no model 'NoSuchModel'"):
        sc.count({"_class_name": "NoSuchModel"})


@pytest.mark.parametrize("name", ["timm/vit_tiny_patch16_224", "resnet18.a1_in1k"])
def test_models_of_timm(name):
    timm = pytest.importorskip("timm")
    import torch

    f = sc.derive(name, num_classes=10)
    bare = name.removeprefix("timm/").partition(".")[0]
    with torch.device("meta"):
        real = sum(p.numel() for p in timm.create_model(bare, num_classes=10).parameters())
    assert f.count({}) == real == sc.count({"architecture": bare, "num_classes": 10})
    assert f.certify(trials=2).passed == 2
    with pytest.raises(UnknownModelError, match=r"timm .* has no model 'vit_tinny_patch16_224'. Did you mean vit_tiny"):
        sc.derive("timm/vit_tinny_patch16_224")


#: Models of timm with something of their own, and their published totals.
OTHERS = {
    "inception_v3": 23_834_568,  # arguments are handed on
    "levit_128": 9_213_936,  # the same, by `*args, **kwargs`
    "xception41": 26_969_560,  # blocks in a list of dicts
    "cait_xxs24_224": 11_956_264,
    "poolformer_s12": 11_915_176,
    "repvgg_a0": 9_108_968,  # a shortcut where nothing changes
    "regnetx_008": 7_259_656,  # widths that no expression follows
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_other_models_of_timm(name):
    timm = pytest.importorskip("timm")
    import torch

    f = sc.derive(f"timm/{name}")
    with torch.device("meta"):
        real = sum(p.numel() for p in timm.create_model(name).parameters())
    assert f.count({}) == real == OTHERS[name]
    assert f.certify(trials=3).passed == 3


@pytest.mark.parametrize("fields", [{"_class_name": "VQModel"}, {"architecture": "vgg16", "num_classes": 3}])
def test_without_the_package(fields, monkeypatch):
    for name in ("diffusers", "timm"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(DependencyError, match=r"pip install (diffusers|timm)"):
        sc.count(fields)


def test_what_is_of_no_library():
    for fields in (PIPELINE, {"_class_name": "DDIMScheduler"}, BERT, {"architecture": "x", "model_type": "y"}, {}):
        assert not is_of_library(fields)
    with pytest.raises(SymcountError):
        sc.count(PIPELINE)
