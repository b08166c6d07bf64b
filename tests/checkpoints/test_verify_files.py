"""Files that the real packages write, against the formulas: every tensor is accounted for."""

import json
import os
import shutil

import pytest
from safetensors.torch import load_file, save_file

import symcount as sc
from symcount.cli import run
from symcount.errors import CheckpointError, ConfigError, VerificationError
from symcount.lookup import model_of

from .conftest import SMALL, hollow, saved, shapes_of

TIED = {**SMALL, "tie_word_embeddings": True}
BERT = {"vocab_size": 97, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4}
EXPERTS = {
    **SMALL, "num_key_value_heads": 4, "n_routed_experts": 4, "n_group": 2, "topk_group": 1, "num_experts_per_tok": 2,
    "first_k_dense_replace": 1, "moe_intermediate_size": 8, "q_lora_rank": 6, "kv_lora_rank": 8, "qk_rope_head_dim": 4,
    "v_head_dim": 4, "qk_nope_head_dim": 4,
}  # fmt: skip
MODELS = {
    "untied": ("LlamaForCausalLM", SMALL, {}),
    "tied": ("LlamaForCausalLM", TIED, {}),
    "sharded": ("LlamaForCausalLM", SMALL, {"max_shard_size": "10KB"}),
    "two biases of one tensor": ("BertForMaskedLM", BERT, {}),
    "encoder and decoder": ("T5ForConditionalGeneration", {"vocab_size": 97, "d_model": 16, "d_ff": 24, "num_layers": 2,
                                                           "num_heads": 4, "d_kv": 4}, {}),
    "one layer for all": ("AlbertForMaskedLM", {**BERT, "embedding_size": 8}, {}),
    "experts by themselves": ("MixtralForCausalLM", {**SMALL, "num_local_experts": 4}, {}),
    "dense layers first": ("DeepseekV3ForCausalLM", EXPERTS, {"max_shard_size": "12KB"}),
    "older names": ("ViTForImageClassification", {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
                                                  "num_attention_heads": 4, "image_size": 32}, {}),
    "of the atlas only": ("Olmo2ForCausalLM", SMALL, {}),
    "batch norms": ("ResNetForImageClassification", {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 2]},
                    {}),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "config", "options"), MODELS.values(), ids=list(MODELS))
def test_a_folder_as_transformers_saves_it_is_exact(tmp_path, name, config, options):
    model = saved(tmp_path, name, config, **options)
    report = sc.verify(tmp_path)
    assert report.exact, report.differences
    assert report.totals["unique"].formula == report.totals["unique"].file == model.num_parameters()
    assert report.statuses["missing"] == report.statuses["shape"] == 0
    files = sorted(tmp_path.glob("*.safetensors"))
    assert report.files == len(files) > bool(options)
    stored = {n: t for f in files for n, t in load_file(f).items()}
    assert report.size == sum(t.nbytes for t in stored.values())
    assert report.elements == sum(t.numel() for t in stored.values())
    sources = [s for t in report.tensors if t.stored for s in t.stored.sources]
    assert sorted(sources) == sorted(stored)  # every tensor of the file, and each of them once
    if options:
        assert {s.name: s.stated for s in report.stated} == {
            "total_size": report.size,
            "total_parameters": model.num_parameters(),
        }


def test_tied_tensors_are_not_missing(tmp_path):
    saved(tmp_path, "LlamaForCausalLM", TIED)
    (tied,) = [t for t in sc.verify(tmp_path).tensors if t.status != "there"]
    assert str(tied) == "lm_head.weight: tied, stored as model.embed_tokens.weight"


def test_a_tied_tensor_may_be_written_under_either_name_or_both(tmp_path):
    saved(tmp_path, "LlamaForCausalLM", TIED)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, path)
    report = sc.verify(path)
    assert report.exact
    assert report.totals["unique"].file == report.totals["unique"].formula == report.elements - 97 * 16
    del tensors["model.embed_tokens.weight"]
    save_file(tensors, path)
    report = sc.verify(path)
    assert report.exact
    (tied,) = [t for t in report.tensors if t.status == "tied"]
    assert str(tied) == "model.embed_tokens.weight: tied, stored as lm_head.weight"
    assert report.totals["unique"].file == report.elements
    assert report.totals["unique"].size == report.size


def changed(folder, llama, change):
    """A copy of the Llama with other tensors."""
    shutil.copytree(llama[0], folder, dirs_exist_ok=True)
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    return sc.verify(folder)


def zeros(*shape):
    import torch

    return torch.zeros(*shape)


DIFFERENCES = {
    "one left out": (
        lambda t: t.pop("model.layers.1.mlp.up_proj.weight"),
        "model.layers.1.mlp.up_proj.weight: missing, the formula has it and the file does not",
    ),
    "a head left out": (lambda t: t.pop("lm_head.weight"), "lm_head.weight: missing"),
    "another shape": (
        lambda t: t.update({"model.layers.2.mlp.up_proj.weight": zeros(25, 16)}),
        r"model.layers.2.mlp.up_proj.weight: shape, shape is \(25, 16\) in the file, \(I, H\) = \(24, 16\)",
    ),
    "another vocabulary": (
        lambda t: t.update({"model.embed_tokens.weight": zeros(98, 16)}),
        r"model.embed_tokens.weight: shape, shape is \(98, 16\) in the file, \(V, H\)",
    ),
    "another head": (lambda t: t.update({"score.weight": zeros(2, 16)}), "score.weight: beyond, another head"),
    "one layer more": (
        lambda t: t.update({"model.layers.3.mlp.up_proj.weight": zeros(24, 16)}),
        "model.layers.3.mlp.up_proj.weight: beyond, layer 3 of a list of 3",
    ),
    "something else": (lambda t: t.update({"x.y": zeros(3)}), "x.y: beyond, unknown to the class"),
}


@pytest.mark.parametrize(("change", "words"), DIFFERENCES.values(), ids=list(DIFFERENCES))
def test_what_differs_is_named(tmp_path, llama, change, words):
    report = changed(tmp_path, llama, change)
    assert not report.exact
    (found,) = report.differences
    with pytest.raises(VerificationError, match=words):
        report.raise_for_difference()
    assert sum(report.statuses.values()) == len(report.tensors)
    assert (found.status == "beyond") == report.totals["unique"].equal


HARMLESS = {
    "rotary table": {f"model.layers.{i}.self_attn.rotary_emb.inv_freq": (2,) for i in range(3)},
    "multi-token prediction": {
        "model.layers.3.eh_proj.weight": (16, 32),
        "model.layers.3.mlp.up_proj.weight": (24, 16),
    },
    "quantisation": {"model.layers.0.self_attn.k_scale": (1,)},
}


@pytest.mark.parametrize(("reason", "more"), HARMLESS.items(), ids=list(HARMLESS))
def test_what_a_class_does_not_load_is_told_and_is_no_difference(tmp_path, llama, reason, more):
    report = changed(tmp_path, llama, lambda tensors: tensors.update({n: zeros(*s) for n, s in more.items()}))
    assert report.exact
    assert {t.name: t.reason for t in report.tensors if t.status == "beyond"} == dict.fromkeys(more, reason)


def test_a_whole_layer_left_out_is_named_layer_by_layer(tmp_path, llama):
    report = changed(tmp_path, llama, lambda t: [t.pop(n) for n in list(t) if ".layers.1." in n])
    assert {d.name for d in report.differences} == {n for n in shapes_of(llama[1]) if ".layers.1." in n}


def test_a_file_is_read_with_the_config_beside_it_and_a_base_model_without_its_prefix(tmp_path):
    model = saved(tmp_path / "base", "BertModel", BERT)
    assert sc.verify(tmp_path / "base" / "model.safetensors").exact
    tensors = load_file(tmp_path / "base" / "model.safetensors")
    save_file({f"bert.{n}": t for n, t in tensors.items()}, tmp_path / "base" / "model.safetensors")
    report = sc.verify(tmp_path / "base")  # as it is found in a file of the class with a head
    assert report.exact
    assert report.totals["unique"].file == model.num_parameters()


def test_gamma_and_beta_of_older_files(tmp_path):
    saved(tmp_path, "BertForMaskedLM", BERT)
    path = tmp_path / "model.safetensors"
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    tensors = {}
    for name, tensor in load_file(path).items():
        for new, former in old.items():
            name = name.replace(new, former)  # noqa: PLW2901  # it is the name of the file
        tensors[name] = tensor
    save_file(tensors, path)
    assert any("gamma" in n for n in tensors)
    assert sc.verify(tmp_path).exact


# ---------------------------------------------------------------- shards


@pytest.fixture
def shards(tmp_path):
    saved(tmp_path, "LlamaForCausalLM", SMALL, max_shard_size="10KB")
    return tmp_path


def index(folder, change):
    path = folder / "model.safetensors.index.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_the_index_and_the_folder_are_one_checkpoint(shards):
    assert sc.verify(shards / "model.safetensors.index.json").exact
    assert sc.verify(shards).files == len(list(shards.glob("model-*.safetensors"))) == 4


def test_shards_without_an_index_are_one_checkpoint(shards):
    (shards / "model.safetensors.index.json").unlink()
    report = sc.verify(shards)
    assert report.exact
    assert report.files == 4
    (shards / "model-00002-of-00004.safetensors").unlink()
    report = sc.verify(shards)
    assert not report.exact
    assert report.notes == ("1 of 4 shards are not there",)


def test_a_shard_that_is_not_there(shards):
    lost = shards / "model-00002-of-00004.safetensors"
    names = set(load_file(lost))
    lost.unlink()
    report = sc.verify(shards)
    assert {d.name for d in report.differences} == names
    assert all(d.reason == f"its shard {lost.name} is not there" for d in report.differences)
    assert report.notes == (f"the shard {lost.name} is not there",)


@pytest.mark.parametrize("name", ["total_size", "total_parameters"])
def test_a_total_that_the_index_has_wrong(shards, name):
    index(shards, lambda c: c["metadata"].update({name: c["metadata"][name] + 1}))
    report = sc.verify(shards)
    assert not report.exact
    with pytest.raises(VerificationError, match=f"{name}: [0-9,]+, but its tensors have"):
        report.raise_for_difference()


def test_a_tensor_that_the_index_does_not_name_is_not_loaded(shards):
    index(shards, lambda c: c["weight_map"].pop("model.norm.weight"))
    report = sc.verify(shards)
    assert next(str(d) for d in report.differences).startswith("model.norm.weight: missing")
    assert "has 'model.norm.weight', which the index does not name" in report.notes[0]


BAD = {
    "a way out of the folder": (lambda c: c["weight_map"].update(x="../x.safetensors"), "beside the index"),
    "an absolute path": (lambda c: c["weight_map"].update(x="/etc/x.safetensors"), "beside the index"),
    "a pickle": (lambda c: c["weight_map"].update(x="pytorch_model.bin"), "expected a safetensors file"),
    "a number": (lambda c: c["weight_map"].update(x=1), "expected the name of a file"),
    "no weight_map": (lambda c: c.pop("weight_map"), "expected weight_map"),
}


@pytest.mark.parametrize(("change", "words"), BAD.values(), ids=list(BAD))
def test_a_bad_index_is_refused(shards, change, words):
    index(shards, change)
    with pytest.raises(CheckpointError, match=words):
        sc.verify(shards)


def test_a_folder_with_pickles_only(tmp_path, llama):
    shutil.copy(llama[0] / "config.json", tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80")
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin is not opened: convert it to safetensors"):
        sc.verify(tmp_path)
    assert run(["verify", str(tmp_path)]) == 2


@pytest.mark.parametrize("name", ["model.safetensors", "model.gguf"])
def test_a_pipe_is_not_waited_for(tmp_path, llama, name):
    shutil.copy(llama[0] / "config.json", tmp_path)
    os.mkfifo(tmp_path / name)
    with pytest.raises(CheckpointError, match="no regular file"):
        sc.verify(tmp_path / name)


def test_names_that_steer_a_terminal_are_quoted(tmp_path, llama, capsys):
    shapes = {n: ("F32", s) for n, s in shapes_of(llama[1]).items()}
    hollow(tmp_path / "model.safetensors", {**shapes, "a\x1b[2J\nb": (3,), "\ud800": (3,)})
    shutil.copy(llama[0] / "config.json", tmp_path)
    assert run(["verify", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert r"differs: 'a\x1b[2J\nb': beyond, unknown to the class" in out
    assert r"differs: '\ud800': beyond" in out
    (tmp_path / "config.json").unlink()
    with pytest.raises(CheckpointError, match="no class has exactly these tensors"):
        model_of(tmp_path)


def test_two_files_with_the_same_tensor(tmp_path, llama):
    shutil.copy(llama[0] / "config.json", tmp_path)
    for i in (1, 2):
        hollow(tmp_path / f"model-0000{i}-of-00002.safetensors", {"lm_head.weight": (97, 16)})
    with pytest.raises(CheckpointError, match=r"tensor 'lm_head.weight' is in another file, too"):
        sc.verify(tmp_path)


def test_no_config_beside_the_weights(tmp_path, llama):
    shutil.copy(llama[0] / "model.safetensors", tmp_path)
    with pytest.raises((CheckpointError, ConfigError), match=r"no config\.json"):
        sc.verify(tmp_path)
    report = sc.verify(tmp_path, llama[0] / "config.json")
    assert report.exact
    assert not sc.verify(tmp_path, llama[0] / "config.json", V=98).exact
