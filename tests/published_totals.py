"""Configs of published models, with nothing in them that is a default, and their exact totals."""


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


def bert(hidden, layers, heads, vocabulary, **more):
    sizes = {"hidden_size": hidden, "intermediate_size": 4 * hidden, "num_hidden_layers": layers}
    return sizes | {"num_attention_heads": heads, "vocab_size": vocabulary, **more}


def llama(hidden, intermediate, layers, heads, kv_heads=None, vocabulary=32000):
    return decoder(hidden, intermediate, layers, heads, kv_heads or heads, vocabulary)


def bart(hidden, layers):
    sizes = {"d_model": hidden, "encoder_layers": layers, "decoder_layers": layers}
    heads = {f"{side}_attention_heads": hidden // 64 for side in ("encoder", "decoder")}
    return sizes | heads | {f"{side}_ffn_dim": 4 * hidden for side in ("encoder", "decoder")}


def clip(text, vision, projection):
    layers = ("hidden_size", "num_hidden_layers", "num_attention_heads")
    towers = {
        "text_config": dict(zip(layers, text, strict=True)),
        "vision_config": dict(zip(layers, vision[:3], strict=True)),
    }
    for tower in towers.values():
        tower["intermediate_size"] = 4 * tower["hidden_size"]
    towers["vision_config"]["patch_size"] = vision[3]
    return towers | {"projection_dim": projection}


def gpt2(hidden, layers, heads):
    return {"n_embd": hidden, "n_layer": layers, "n_head": heads}


PUBLISHED = [
    ("BertModel", "bert", bert(768, 12, 12, 30522), 109_482_240),
    ("BertModel", "bert", bert(1024, 24, 16, 30522), 335_141_888),
    ("GPT2LMHeadModel", "gpt2", gpt2(768, 12, 12), 124_439_808),
    ("GPT2LMHeadModel", "gpt2", gpt2(1024, 24, 16), 354_823_168),
    ("GPT2LMHeadModel", "gpt2", gpt2(1280, 36, 20), 774_030_080),
    ("GPT2LMHeadModel", "gpt2", gpt2(1600, 48, 25), 1_557_611_200),
    ("LlamaForCausalLM", "llama", llama(4096, 11008, 32, 32), 6_738_415_616),
    ("LlamaForCausalLM", "llama", llama(5120, 13824, 40, 40), 13_015_864_320),
    ("LlamaForCausalLM", "llama", llama(6656, 17920, 60, 52), 32_528_943_616),
    ("LlamaForCausalLM", "llama", llama(8192, 22016, 80, 64), 65_285_660_672),
    ("LlamaForCausalLM", "llama", llama(8192, 28672, 80, 64, 8), 68_976_648_192),
    ("LlamaForCausalLM", "llama", llama(4096, 14336, 32, 32, 8, 128_256), 8_030_261_248),
    ("LlamaForCausalLM", "llama", llama(8192, 28672, 80, 64, 8, 128_256), 70_553_706_496),
    ("LlamaForCausalLM", "llama", llama(16384, 53248, 126, 128, 8, 128_256), 405_853_388_800),
    (
        "RobertaModel",
        "roberta",
        bert(768, 12, 12, 50265, max_position_embeddings=514, type_vocab_size=1),
        124_645_632,
    ),
    (
        "RobertaModel",
        "roberta",
        bert(1024, 24, 16, 50265, max_position_embeddings=514, type_vocab_size=1),
        355_359_744,
    ),
    ("DistilBertModel", "distilbert", {}, 66_362_880),
    ("ElectraModel", "electra", {}, 13_483_008),
    ("ElectraModel", "electra", bert(768, 12, 12, 30522, embedding_size=768), 108_891_648),
    ("BartModel", "bart", bart(768, 6), 139_420_416),
    ("BartModel", "bart", bart(1024, 12), 406_291_456),
    ("WhisperForConditionalGeneration", "whisper", bart(384, 4), 37_760_640),
    ("WhisperForConditionalGeneration", "whisper", bart(768, 12), 241_734_912),
    ("WhisperForConditionalGeneration", "whisper", bart(1280, 32), 1_543_304_960),
    ("CLIPModel", "clip", clip((512, 12, 8), (768, 12, 12, 32), 512), 151_277_313),
    ("CLIPModel", "clip", clip((768, 12, 12), (1024, 24, 16, 14), 768), 427_616_513),
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

ACTIVE = [("MixtralForCausalLM", 12_879_925_248), ("DeepseekV3ForCausalLM", 37_552_282_624)]
