"""Files that lie beside a config.json: each is told by its name, and no file of transformers is taken for one."""

import json
import struct
from pathlib import Path

import pytest

import symcount as sc
from symcount.cli import run
from symcount.config.files import load
from symcount.config.filetypes import KINDS, of_bytes, of_json
from symcount.errors import FileTypeError, SymcountError

PUBLISHED = Path(__file__).parent / "published" / "configs"

# file name as it is usual, content, what the message says
OBJECTS = [
    (
        "adapter_config.json",
        {
            "base_model_name_or_path": "meta-llama/Llama-2-7b-hf",
            "bias": "none",
            "fan_in_fan_out": False,
            "lora_alpha": 16,
            "peft_type": "LORA",
            "r": 8,
            "target_modules": ["q_proj", "v_proj"],
            "task_type": "CAUSAL_LM",
        },
        "an adapter of PEFT",
    ),
    (
        "adapter_config.json",
        {
            "base_model_name_or_path": "google/flan-t5-base",
            "num_virtual_tokens": 20,
            "peft_type": "PROMPT_TUNING",
            "num_attention_heads": 12,
            "num_layers": 12,
            "token_dim": 768,
            "task_type": "SEQ_2_SEQ_LM",
        },
        "an adapter of PEFT",
    ),
    (
        "adapter_config.json",
        {
            "config": {"ln_after": False, "mh_adapter": False, "reduction_factor": 16},
            "hidden_size": 768,
            "model_class": "BertModel",
            "model_name": "bert-base-uncased",
            "model_type": "bert",
            "name": "sst-2",
        },
        "an adapter of AdapterHub",
    ),
    (
        "params.json",
        {
            "dim": 5120,
            "n_layers": 48,
            "n_heads": 40,
            "norm_eps": 1e-05,
            "vocab_size": 202048,
            "multiple_of": 256,
            "moe_args": {"num_experts": 16},
        },
        "a params.json of Llama's own format",
    ),
    (
        "params.json",
        {
            "dim": 5120,
            "n_layers": 40,
            "head_dim": 128,
            "hidden_dim": 14336,
            "n_heads": 32,
            "n_kv_heads": 8,
            "norm_eps": 1e-05,
            "vocab_size": 131072,
            "vision_encoder": {"hidden_size": 1024},
        },
        "a params.json of Mistral's own format",
    ),
    (
        "scheduler_config.json",
        {"_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012, "num_train_timesteps": 1000},
        "a scheduler of diffusers",
    ),
    (
        "config_sentence_transformers.json",
        {"__version__": {"sentence_transformers": "2.0.0", "transformers": "4.6.1", "pytorch": "1.8.1"}},
        "a setting of sentence-transformers",
    ),
    (
        "config_sentence_transformers.json",
        {
            "__version__": {"sentence_transformers": "3.0.1"},
            "prompts": {"query": "query: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
            "model_type": "SentenceTransformer",
        },
        "a setting of sentence-transformers",
    ),
    (
        "sentence_bert_config.json",
        {"max_seq_length": 256, "do_lower_case": False},
        "a setting of sentence-transformers",
    ),
    (
        "1_Pooling/config.json",
        {
            "word_embedding_dimension": 384,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
        },
        "a pooling layer of a sentence-transformers model",
    ),
    ("plan.ipynb", {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, "a notebook of Jupyter"),
    (
        "export_config.json",
        {"onnx_config": {"opset": 18}, "task": "text-generation"},
        "the plan of an optimiser's export",
    ),
    (
        "2_Dense/config.json",
        {
            "in_features": 768,
            "out_features": 512,
            "bias": True,
            "activation_function": "torch.nn.modules.activation.Tanh",
        },
        "a dense layer of a sentence-transformers model",
    ),
    ("config_setfit.json", {"labels": ["negative", "positive"], "normalize_embeddings": False}, "a setting of SetFit"),
    (
        "open_clip_config.json",
        {
            "model_cfg": {"embed_dim": 512, "vision_cfg": {"layers": 12}, "text_cfg": {"layers": 12}},
            "preprocess_cfg": {},
        },
        "a config of open_clip",
    ),
    (
        "ViT-B-32.json",
        {"embed_dim": 512, "vision_cfg": {"image_size": 224, "layers": 12, "width": 768}, "text_cfg": {"width": 512}},
        "a config of open_clip",
    ),
    (
        "config.json",
        {
            "d_model": 2560,
            "n_layer": 64,
            "vocab_size": 50277,
            "ssm_cfg": {},
            "rms_norm": True,
            "residual_in_fp32": True,
            "fused_add_norm": True,
            "pad_vocab_size_multiple": 8,
        },
        "a config of the package mamba_ssm",
    ),
    ("hparams.json", {"n_vocab": 50257, "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12}, "GPT-2 as OpenAI"),
    (
        "dims.json",
        {
            "n_mels": 80,
            "n_vocab": 51865,
            "n_audio_ctx": 1500,
            "n_audio_state": 512,
            "n_audio_head": 8,
            "n_audio_layer": 6,
        },
        "the sizes of a Whisper model as OpenAI",
    ),
    (
        "tokenizer_config.json",
        {"do_lower_case": True, "unk_token": "[UNK]", "tokenizer_class": "BertTokenizer", "model_max_length": 512},
        "a tokenizer's config",
    ),
    ("tokenizer_config.json", {"do_lower_case": True}, "a tokenizer's config"),
    ("tokenizer_config.json", {"model_max_length": 1024}, "a tokenizer's config"),
    (
        "tokenizer_config.json",
        {"added_tokens_decoder": {"0": {"content": "<unk>"}}, "processor_class": "LlavaProcessor", "bos_token": "<s>"},
        "a tokenizer's config",
    ),
    (
        "tokenizer.json",
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [],
            "normalizer": {},
            "pre_tokenizer": {},
            "post_processor": {},
            "decoder": {},
            "model": {"type": "BPE", "vocab": {}, "merges": []},
        },
        "a tokenizer (tokenizer.json)",
    ),
    ("special_tokens_map.json", {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]"}, "special tokens"),
    (
        "special_tokens_map.json",
        {"bos_token": {"content": "<s>", "lstrip": False}, "eos_token": "</s>"},
        "special tokens",
    ),
    ("added_tokens.json", {"<pad>": 32000, "<mask>": 32001}, "a vocabulary"),
    ("vocab.json", {**{f"token{i}": i for i in range(500)}, "Ġthe": 500}, "a vocabulary"),
    (
        "generation_config.json",
        {"_from_model_config": True, "bos_token_id": 1, "eos_token_id": 2, "transformers_version": "4.31.0.dev0"},
        "settings for generation",
    ),
    (
        "generation_config.json",
        {"bos_token_id": 128000, "do_sample": True, "eos_token_id": [128001, 128009], "temperature": 0.6, "top_p": 0.9},
        "settings for generation",
    ),
    (
        "preprocessor_config.json",
        {
            "crop_size": 224,
            "do_center_crop": True,
            "do_normalize": True,
            "do_resize": True,
            "size": 224,
            "feature_extractor_type": "CLIPFeatureExtractor",
            "image_mean": [0.48, 0.45, 0.4],
            "resample": 3,
        },
        "an image processor",
    ),
    (
        "preprocessor_config.json",
        {
            "do_normalize": True,
            "do_resize": True,
            "image_mean": [0.5, 0.5, 0.5],
            "image_std": [0.5, 0.5, 0.5],
            "size": 224,
        },
        "an image processor",
    ),
    (
        "preprocessor_config.json",
        {"image_processor_type": "ViTImageProcessor", "processor_class": "ViltProcessor", "size": {"height": 384}},
        "an image processor",
    ),
    (
        "preprocessor_config.json",
        {
            "do_normalize": True,
            "feature_extractor_type": "Wav2Vec2FeatureExtractor",
            "feature_size": 1,
            "padding_side": "right",
            "padding_value": 0.0,
            "sampling_rate": 16000,
        },
        "a feature extractor",
    ),
    (
        "video_preprocessor_config.json",
        {"video_processor_type": "Qwen2VLVideoProcessor", "fps": 2},
        "a video processor",
    ),
    ("processor_config.json", {"image_token": "<image>", "processor_class": "LlavaProcessor"}, "a processor"),
    (
        "model.safetensors.index.json",
        {"metadata": {"total_size": 13476835328}, "weight_map": {"lm_head.weight": "model-00002-of-00002.safetensors"}},
        "the index of a checkpoint",
    ),
    (
        "pytorch_model.bin.index.json",
        {"metadata": {}, "weight_map": {"lm_head.weight": "pytorch_model-00002-of-00002.bin"}},
        "the index of a checkpoint",
    ),
    ("chat_template.json", {"chat_template": "{% for message in messages %}{% endfor %}"}, "a chat template"),
    (
        "quantize_config.json",
        {"bits": 4, "group_size": 128, "damp_percent": 0.1, "desc_act": False, "sym": True, "true_sequential": True},
        "a config of GPTQ",
    ),
    ("quant_config.json", {"zero_point": True, "q_group_size": 128, "w_bit": 4, "version": "GEMM"}, "a config of AWQ"),
    (
        "quantize_config.json",
        {"per_channel": True, "reduce_range": True, "per_model_config": {"model": {"op_types": ["MatMul"]}}},
        "a quantisation config",
    ),
    (
        "hf_quant_config.json",
        {"producer": {"name": "modelopt", "version": "0.23"}, "quantization": {"quant_algo": "FP8"}},
        "a quantisation config",
    ),
    (
        "trainer_state.json",
        {"best_metric": None, "epoch": 3.0, "global_step": 100, "log_history": []},
        "a training run",
    ),
    (
        "training_args.json",
        {"output_dir": "out", "learning_rate": 5e-05, "num_train_epochs": 3, "per_device_train_batch_size": 8},
        "training arguments",
    ),
    (
        "all_results.json",
        {"epoch": 3.0, "eval_loss": 0.2, "train_runtime": 12.5, "train_loss": 0.4},
        "a file of results",
    ),
    (
        "ds_config.json",
        {"zero_optimization": {"stage": 2}, "train_batch_size": "auto", "fp16": {}},
        "a config of DeepSpeed",
    ),
    (
        "config.json",
        {"module": "keras_hub.src.models.bert", "class_name": "BertBackbone", "config": {"hidden_dim": 768}},
        "a model of Keras",
    ),
    (
        "genai_config.json",
        {"model": {"type": "phi3", "vocab_size": 32064}, "search": {"do_sample": True}},
        "ONNX Runtime",
    ),
    ("meta.json", {"lang": "en", "name": "core_web_sm", "pipeline": ["tok2vec", "tagger"]}, "a model of spaCy"),
    ("package.json", {"name": "x", "version": "1.0.0", "dependencies": {}}, "a package of JavaScript"),
]

#: Files that a directory is counted past, though they are counted where they are named.
NAMED = [
    (
        "model_index.json",
        {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]},
        "a pipeline of diffusers (model_index.json)",
    ),
    ("config.json", {"_class_name": "AutoencoderKL", "latent_channels": 4}, "a model or a part of one of diffusers"),
    ("config.json", {"architecture": "resnet50", "num_classes": 1000, "num_features": 2048}, "a config of timm"),
]

SAFETENSORS = struct.pack("<Q", 60) + b'{"weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} '

BYTES = [
    ("model.gguf", b"GGUF\x03\0\0\0" + b"\0" * 64, "weights in the format GGUF"),
    ("model.safetensors", SAFETENSORS + b"\0" * 8, "weights in the format safetensors"),
    ("pytorch_model.bin", b"PK\x03\x04" + b"\0" * 64, "a zip archive, such as weights saved by PyTorch"),
    ("pytorch_model.bin", b"\x80\x02\x8a\nl\xfc\x9c", "pickled data"),
    ("tf_model.h5", b"\x89HDF\r\n\x1a\n", "HDF5"),
    ("config.json", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 600\n", "a pointer of Git LFS"),
    ("config.json", b"<!doctype html>\n<html>", "an HTML page"),
    ("chat_template.jinja", b"{%- for message in messages %}", "a chat template"),
    ("README.md", b"---\nlicense: mit\n---\n# Model\n", "a text with a head in YAML"),
    ("merges.txt", b"#version: 0.2\n\xc4\xa0 t\n", "the merges of a tokenizer"),
    ("vocab.txt", b"[PAD]\n[unused0]\n", "a vocabulary"),
    ("tokenizer.model", b"\n\x0e\n\x05<unk>\x15\0\0\0\0\x18\x02", "a model of SentencePiece"),
    ("modeling_x.py", b"import torch\n", "a program"),
    ("config.yaml", b"model_type: bert\n", "YAML"),
    ("configs.json", b'{"model_type": "bert"}\n{"model_type": "gpt2"}\n', "--jsonl"),
]


@pytest.mark.parametrize(("name", "content", "words"), OBJECTS, ids=lambda x: x if isinstance(x, str) else "")
def test_an_object_is_told_by_its_name(tmp_path, capsys, name, content, words):
    path = tmp_path / Path(name).name
    path.write_text(json.dumps(content))
    commands = [["count"]] if name.endswith("safetensors.index.json") else [["count"], ["formula"]]  # weights have one
    if name in ("adapter_config.json", "params.json"):
        commands += [["breakdown"], ["latex"], ["verify"], ["derive"], ["diff", "N"], ["solve", "--budget", "1M"]]
    for command, *more in commands:
        assert run([command, str(path), *more]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        assert words in err
        assert "neither" not in err
    read = name in (
        "adapter_config.json",
        "model.safetensors.index.json",
    )  # these are, if what belongs to them is there
    with pytest.raises(SymcountError if read else FileTypeError, match=r"\w"):
        sc.count(str(path))
    if isinstance(content, dict):
        with pytest.raises(FileTypeError, match=r"\w"):
            sc.count(content)
        with pytest.raises(FileTypeError, match=r"\w"):
            sc.formula(content)
        with pytest.raises(SymcountError, match=r"\w"):
            sc.derive(content)


@pytest.mark.parametrize(("name", "content", "words"), BYTES)
def test_what_is_no_json_is_told_by_its_name(tmp_path, capsys, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    assert run(["count", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert words in err
    with pytest.raises(FileTypeError, match=r"\w"):
        sc.count(path)


def test_a_large_file_is_told_by_its_beginning(tmp_path):
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.write(SAFETENSORS)
        file.truncate(20 * 2**20)
    with pytest.raises(FileTypeError, match="safetensors"):
        load(path)


def test_every_kind_has_an_example():
    said = [of_json(content) for _, content, _ in [*OBJECTS, *NAMED]]
    missing = [kind.name for kind in KINDS if kind.says() not in said]
    assert not missing


def test_files_of_transformers_are_configs():
    """None of the published files is taken for another kind, with `architectures` or without."""
    taken = {}
    for path in sorted(PUBLISHED.glob("*.json")):
        fields = json.loads(path.read_text())
        if "architectures" in fields or "model_type" in fields:
            rest = {k: v for k, v in fields.items() if k not in ("architectures", "model_type")}
            if len(rest) > 3 and (said := of_json(rest)):
                taken[path.name] = said
        assert of_bytes(path.read_bytes()) == ""
    assert taken == {}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "type_vocab_size": 2}, '"bert"'),
        ({"hidden_size": 4096, "num_hidden_layers": 12, "embedding_size": 128, "num_hidden_groups": 1}, '"albert"'),
        ({"n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}, '"gpt2"'),
        ({"hidden_size": 4096, "num_hidden_layers": 32, "rms_norm_eps": 1e-6, "vocab_size": 32000}, '"llama"'),
    ],
)
def test_sizes_without_a_model_type(tmp_path, capsys, fields, words):
    path = tmp_path / "bert_config.json"
    path.write_text(json.dumps(fields))
    assert run(["count", str(path)]) == 2
    err = capsys.readouterr().err
    assert "the sizes of a model, but neither architectures nor model_type is given" in err
    assert f'for example "model_type": {words}' in err


def test_a_name_of_the_hub(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["count", "meta-llama/Llama-2-7b-hf"]) == 2
    err = capsys.readouterr().err
    assert "symcount reads local files" in err
    assert "hf download meta-llama/Llama-2-7b-hf config.json" in err


def test_an_empty_object(capsys, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert run(["count", str(tmp_path / "config.json")]) == 2
    assert "this is an empty object: neither architectures" in capsys.readouterr().err


def test_a_directory_is_counted_past_the_others(tmp_path, capsys):
    for i, (name, content, _) in enumerate([*OBJECTS, *NAMED]):
        path = tmp_path / str(i) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["BertModel"], "hidden_size": 768}))
    assert run(["count", "--json", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["class"] for line in out.splitlines()] == ["BertModel"]
    assert err == ""


def test_a_directory_without_a_config_says_what_it_has(tmp_path, capsys):
    (tmp_path / "pipeline.json").write_text(json.dumps(OBJECTS[3][1]))
    assert run(["count", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert "no config.json in this directory" in err
    assert f"pipeline.json: this is {OBJECTS[3][2]}" in err
