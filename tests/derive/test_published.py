"""Published totals of models that nobody composed by hand: a config in, the exact number out."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import symcount as sc


def t5(d_model, d_ff, num_layers, num_heads, d_kv):
    return {"d_model": d_model, "d_ff": d_ff, "num_layers": num_layers, "num_heads": num_heads, "d_kv": d_kv}


def vit(hidden, layers, heads, patch, image=224):
    sizes = {"hidden_size": hidden, "intermediate_size": 4 * hidden, "num_hidden_layers": layers}
    labels = {str(i): f"LABEL_{i}" for i in range(1000)}
    return sizes | {"num_attention_heads": heads, "patch_size": patch, "image_size": image, "id2label": labels}


def albert(hidden, layers, heads):
    sizes = {"hidden_size": hidden, "intermediate_size": 4 * hidden, "num_hidden_layers": layers}
    return sizes | {"num_attention_heads": heads, "vocab_size": 30000, "embedding_size": 128}


def decoder(hidden, intermediate, layers, heads, kv_heads, vocabulary, **more):
    sizes = {"hidden_size": hidden, "intermediate_size": intermediate, "num_hidden_layers": layers}
    return sizes | {"num_attention_heads": heads, "num_key_value_heads": kv_heads, "vocab_size": vocabulary, **more}


PUBLISHED = [
    ("T5ForConditionalGeneration", "t5", t5(512, 2048, 6, 8, 64), 60_506_624),
    ("T5ForConditionalGeneration", "t5", t5(768, 3072, 12, 12, 64), 222_903_552),
    ("T5ForConditionalGeneration", "t5", t5(1024, 4096, 24, 16, 64), 737_668_096),
    ("T5ForConditionalGeneration", "t5", t5(1024, 16384, 24, 32, 128), 2_851_598_336),
    ("T5ForConditionalGeneration", "t5", t5(1024, 65536, 24, 128, 128), 11_307_321_344),
    ("ViTForImageClassification", "vit", vit(768, 12, 12, 16), 86_567_656),
    ("ViTForImageClassification", "vit", vit(768, 12, 12, 32), 88_224_232),
    ("ViTForImageClassification", "vit", vit(1024, 24, 16, 16), 304_326_632),
    ("ViTForImageClassification", "vit", vit(1024, 24, 16, 32), 306_535_400),
    ("ViTForImageClassification", "vit", vit(1280, 32, 16, 14, 518), 633_470_440),
    ("AlbertModel", "albert", albert(768, 12, 12), 11_683_584),
    ("AlbertModel", "albert", albert(1024, 24, 16), 17_683_968),
    ("AlbertModel", "albert", albert(2048, 24, 16), 58_724_864),
    ("AlbertModel", "albert", albert(4096, 12, 64), 222_595_584),
    (
        "BloomForCausalLM",
        "bloom",
        {"hidden_size": 14336, "n_layer": 70, "n_head": 112, "vocab_size": 250_880},
        176_247_271_424,
    ),
    ("MambaForCausalLM", "mamba", {"hidden_size": 768, "num_hidden_layers": 24, "vocab_size": 50280}, 129_135_360),
    ("MistralForCausalLM", "mistral", decoder(4096, 14336, 32, 32, 8, 32000), 7_241_732_096),
    ("MixtralForCausalLM", "mixtral", decoder(4096, 14336, 32, 32, 8, 32000), 46_702_792_704),
    (
        "Qwen2ForCausalLM",
        "qwen2",
        decoder(896, 4864, 24, 14, 2, 151_936, tie_word_embeddings=True),
        494_032_768,
    ),
    ("Qwen2ForCausalLM", "qwen2", decoder(3584, 18944, 28, 28, 4, 152_064), 7_615_616_512),
    ("Qwen2ForCausalLM", "qwen2", decoder(8192, 29568, 80, 64, 8, 152_064), 72_706_203_648),
    (
        "Qwen3ForCausalLM",
        "qwen3",
        decoder(2560, 9728, 36, 32, 8, 151_936, head_dim=128, tie_word_embeddings=True),
        4_022_468_096,
    ),
    (
        "Qwen3MoeForCausalLM",
        "qwen3_moe",
        decoder(2048, 6144, 48, 32, 4, 151_936, head_dim=128, moe_intermediate_size=768, num_experts=128),
        30_532_122_624,
    ),
    ("Gemma2ForCausalLM", "gemma2", decoder(2304, 9216, 26, 8, 4, 256_000, head_dim=256), 2_614_341_888),
    ("Gemma2ForCausalLM", "gemma2", decoder(3584, 14336, 42, 16, 8, 256_000, head_dim=256), 9_241_705_984),
    ("DeepseekV3ForCausalLM", "deepseek_v3", {}, 671_026_404_352),
]


@pytest.mark.parametrize(("name", "model_type", "fields", "total"), PUBLISHED)
def test_published_total(name, model_type, fields, total):
    assert sc.count({"architectures": [name], "model_type": model_type, **fields}) == total


@pytest.mark.parametrize(
    ("name", "active"), [("MixtralForCausalLM", 12_879_925_248), ("DeepseekV3ForCausalLM", 37_552_282_624)]
)
def test_published_active(name, active):
    formula = sc.derive(name)
    assert formula.count(**formula.defaults, convention="active") == active


def test_deepseek_without_its_embedding_table():
    formula = sc.derive("DeepseekV3ForCausalLM")
    table = formula.subtotal("*embed_tokens*").count(formula.values(formula.defaults))
    assert formula.count(**formula.defaults, convention="active") - table == 36_625_603_584
