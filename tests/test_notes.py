"""What is told beside a count: quantised weights, layers left out, tied heads, misspelt and foreign keys."""

import json
import random
import re
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import pytest

import symcount as sc
from symcount.atlas.counting import counter
from symcount.atlas.store import atlas, default_path
from symcount.cli import run
from symcount.diagnostics import gathering, teller
from symcount.diagnostics.spelling import misspelt
from symcount.diagnostics.verdicts import Doubt, Verdicts, sections_of
from symcount.diagnostics.words import PATH as WORDS
from symcount.diagnostics.words import words
from symcount.errors import DoubtfulError, SymcountError
from test_readme import blocks, run_python, sessions

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")

PUBLISHED = sorted((Path(__file__).parent / "published" / "configs").glob("*.json"))

FLAN_SMALL = {
    "architectures": ["T5ForConditionalGeneration"], "d_ff": 1024, "d_kv": 64, "d_model": 512,
    "feed_forward_proj": "gated-gelu", "is_encoder_decoder": True, "is_gated_act": True, "model_type": "t5",
    "num_decoder_layers": 8, "num_heads": 6, "num_layers": 8, "relative_attention_num_buckets": 32,
    "tie_word_embeddings": False, "vocab_size": 32128,
}  # fmt: skip
BERT = {"architectures": ["BertModel"], "model_type": "bert", "num_hidden_layers": 12, "vocab_size": 30522}
LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 1000}


def seen(config):
    """The notes on a config, and which of them are doubts."""
    found = counter().found(config)
    return [(note.text, note.doubtful) for note in teller().notes(config, found)]


@pytest.mark.parametrize(
    ("config", "words_of_it"),
    [
        ({**BERT, "hiden_size": 1024}, "hiden_size is not read: hidden_size may be meant, which is 768 here"),
        ({**BERT, "hiddenSize": 1024}, "hiddenSize is not read: hidden_size may be meant"),
        ({**BERT, "num_hidden_layer": 24}, "num_hidden_layer is not read: num_hidden_layers may be meant"),
        ({**LLAMA, "tie_word_embedings": True}, "tie_word_embedings is not read: tie_word_embeddings may be meant"),
        ({**LLAMA, "dim": 2048}, "dim is not read: LlamaForCausalLM spells it hidden_size, which is 4096 here"),
        (
            {**LLAMA, "n_layers": 16},
            "n_layers is not read: LlamaForCausalLM spells it num_hidden_layers, which is 32 here",
        ),
        ({**LLAMA, "n_embd": 2048}, "n_embd is not read: LlamaForCausalLM spells it hidden_size"),
        ({**LLAMA, "d_model": 2048}, "d_model is not read: LlamaForCausalLM spells it hidden_size"),
        (
            {"architectures": ["GPT2Model"], "n_embd": 768, "n_heads": 4},
            "n_heads is not read: GPT2Model spells it n_head",
        ),
        ({"architectures": ["BertModel"]}, "none of the sizes of BertModel is given"),
        ({"model_type": "siglip"}, "none of the sizes of SiglipModel is given"),
        ({"architectures": ["BertForSequenceClassification"], "num_labels": 3}, "none of the sizes"),
        (
            {"architectures": ["CLIPModel"], "text_config": {"hiden_size": 64}, "projection_dim": 8},
            "text_config.hiden_size is not read: hidden_size may be meant, which is 512 here",
        ),
        (
            {"architectures": ["CLIPModel"], "projection_dim": 8, "text_confg": {"hidden_size": 64}},
            "text_confg is not read",
        ),
    ],
)
def test_doubts_are_told_and_refused_where_that_is_wanted(tmp_path, capsys, config, words_of_it):
    assert [text for text, doubtful in seen(config) if doubtful and text.startswith(words_of_it)]
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    assert run(["count", "--json", str(path)]) == 0
    out, err = capsys.readouterr()
    row = json.loads(out)
    assert any(text.startswith(words_of_it) for text in row["notes"])
    assert err.splitlines() == [f"note: {path}: {text}" for text in row["notes"]]
    assert sc.notes(str(path)) == row["notes"]
    assert sc.count(config) == row["unique"]
    assert run(["count", "--strict", "--json", str(path)]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out).keys() == {"source", "error"}
    assert err.count("\n") == 1
    assert words_of_it in err
    with pytest.raises(DoubtfulError, match=r"is not read|is given"):
        sc.count(config, strict=True)


@pytest.mark.parametrize(
    "config",
    [
        {**BERT, "hidden_size": 768},
        {**BERT, "sliding_window": 4096, "output_past": True, "gradient_checkpointing": False},
        {**LLAMA, "hidden_size": 64, "num_attention_heads": 4, "dim": 64},  # the size is given
        {**LLAMA, "dim": 4096},  # it is the same by default
        {"architectures": ["GPT2Model"], "hidden_size": 64, "num_attention_heads": 4},  # aliases of the class's own
        {**BERT, "_num_hidden_layers": 3},
        {**BERT, "quantization_config": {}},
        {**LLAMA, "num_nextn_predict_layers": 0},
        {**LLAMA, "tie_word_embeddings": False},
        {**LLAMA, "tie_word_embeddings": True},
        {**FLAN_SMALL, "tie_word_embeddings": True},
        {**FLAN_SMALL, "architectures": ["T5Model"]},  # has no head
    ],
)
def test_nothing_is_told_where_there_is_nothing(config):
    assert seen(config) == []
    assert sc.notes(config) == []
    sc.count(config, strict=True)


# ------------------------------------------------------------------ over all classes


def keys_that_count():
    """Of every class of the atlas, the keys of its sizes and the keys on whose values its count depends."""
    stored = atlas()
    for name, model_type in [(cls, said) for cls in stored.names for said in stored.model_types(cls)]:
        for layout in stored.find(name, model_type).layouts[:1]:  # of some releases a class answers nothing
            for path, keys in sections_of(layout).items():
                yield name, path, keys


def misspellings(key, draw):
    """The key with a letter left out, with two swapped, and with one that is another."""
    i = draw.randrange(1, len(key))
    yield key[:i] + key[i + 1 :]
    if key[i - 1] != key[i]:
        yield key[: i - 1] + key[i] + key[i - 1] + key[i + 1 :]
    yield key[:i] + draw.choice("qxz") + key[i + 1 :]


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_every_size_of_every_class_misspelt(step):
    """A misspelt size is told, unless it is a word of its own: the key of another class, or too short to say."""
    draw, seen_keys, told, others, missed = random.Random(5), set(), 0, 0, []
    vocabulary = words()
    for name, _, keys in islice(keys_that_count(), 0, None, step):
        known = frozenset(keys.sizes) | keys.counting | frozenset(keys.aliases) | keys.others
        if known in seen_keys:
            continue
        seen_keys.add(known)
        verdicts = Verdicts(keys)
        for key in keys.sizes:
            for wrong in misspellings(key, draw):
                if keys.knows(wrong) or wrong in vocabulary.keys or wrong in vocabulary.meanings:
                    others += 1
                    continue
                verdict = verdicts[wrong]
                if verdict is not None and verdict.doubt in (Doubt.MISSPELT, Doubt.PREDICTED):
                    told += 1
                else:
                    missed.append((name, key, wrong))
    assert told > 20_000 / step
    assert others < told / 100
    assert all(len(key.replace("_", "")) <= 3 or re.search(r"\d", key) for _, key, _ in missed), missed[:20]
    assert len(missed) < told / 200


def test_sizes_in_the_spelling_of_another_family():
    """Of every class that has a width or a depth under some name: another name of it is told."""
    told = 0
    for name, path, keys in keys_that_count():
        if path:
            continue
        verdicts = Verdicts(keys)
        for size in {"hidden_size", "num_hidden_layers"} & set(keys.sizes):
            for other in (
                ("n_embd", "d_model", "dim") if size == "hidden_size" else ("n_layer", "n_layers", "num_layers")
            ):
                if not keys.knows(other):
                    verdict = verdicts[other]
                    assert verdict is not None, (name, other)
                    assert size in verdict.meant
                    told += 1
    assert told > 5_000


@pytest.mark.parametrize("known", [["hidden_size", "conv_1", "n_layer", "pad_token_id", "num_labels"]])
@pytest.mark.parametrize("key", ["conv_2", "pad_token", "_num_labels", "sliding_window", "n", "hidden", "size"])
def test_what_is_no_misspelling(known, key):
    assert misspelt(key, known) == ""


# ------------------------------------------------------------------ no false alarms

EXPLAINED = {
    # the file has two sub-configs without a size in them
    "siglip-base-patch16-224.json": ["none of the sizes of SiglipModel is given; all have their defaults"],
}


def test_published_files_raise_no_doubt():
    doubts, counted = {}, 0
    for path in PUBLISHED:
        config = json.loads(path.read_text())
        try:
            found = seen(config)
        except SymcountError:
            continue
        counted += 1
        if said := [text for text, doubtful in found if doubtful]:
            doubts[path.name] = said
    assert counted > 450
    assert doubts == EXPLAINED


def test_which_published_files_have_notes():
    found = {}
    for path in PUBLISHED:
        try:
            for text, doubtful in seen(json.loads(path.read_text())):
                if not doubtful:
                    found.setdefault(text.split()[0], set()).add(path.stem)
        except SymcountError:
            continue
    assert found.pop("quantization_config") == {"deepseek-r1", "llama-2-7b-chat-gptq", "minimax-m2", "qwen3-8b-awq"}
    assert found.pop("num_nextn_predict_layers") == {
        "deepseek-r1", "deepseek-v3-bf16", "ernie-4.5-21b-a3b-pt", "glm-4.5-air", "glm-4.7-flash",
    }  # fmt: skip
    assert found.pop("mtp_transformer_layers") == {"minimax-m2"}
    assert found.pop("tie_word_embeddings") == {
        "byt5-small", "flan-t5-large", "long-t5-tglobal-base", "madlad400-3b-mt", "mt5-small", "t5-v1_1-base",
        "umt5-small", "vilt-b32-mlm",
    }  # fmt: skip
    assert found.pop("text_config.tie_word_embeddings") == {"instructblip-flan-t5-xl"}
    assert found == {}


@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")
def test_files_that_transformers_writes_raise_no_doubt():
    from transformers import CONFIG_MAPPING

    stored, doubts, counted = counter(), {}, 0
    names = sorted(set(CONFIG_MAPPING) & set(stored.atlas.bases))
    for model_type in names[::8]:
        config = json.loads(CONFIG_MAPPING[model_type]().to_json_string())
        try:
            found = stored.found({**config, "architectures": [stored.atlas.bases[model_type]]})
        except SymcountError:
            continue
        counted += 1
        if said := [note.text for note in teller().notes(config, found) if note.doubtful]:
            doubts[model_type] = said
    assert counted > 25
    assert doubts == {}


# ------------------------------------------------------------------ what is right and not that of the checkpoint


def test_a_head_that_is_tied_whatever_the_config_says(tmp_path, capsys):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(FLAN_SMALL))
    ((text, doubtful),) = seen(FLAN_SMALL)
    assert not doubtful
    assert text == (
        "tie_word_embeddings = false is not followed: transformers ties lm_head.weight to shared.weight when it builds "
        "the model; a checkpoint that has both is loaded with 76,961,152 parameters: -o tie_word_embeddings=false"
    )
    assert sc.count(FLAN_SMALL, strict=True) == 60_511_616
    assert run(["count", str(path), "-o", "tie_word_embeddings=false", "--json"]) == 0
    out, err = capsys.readouterr()
    row = json.loads(out)
    assert (row["unique"], row["notes"]) == (76_961_152, [])
    assert "not followed" not in err
    assert sc.formula(FLAN_SMALL, tie_word_embeddings=False).count(FLAN_SMALL) == 76_961_152


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
@pytest.mark.parametrize("name", ["T5", "MT5", "UMT5", "LongT5", "Udop"])
def test_the_other_number_is_that_of_the_model_with_a_head_of_its_own(name):
    """The real model, with a tensor of its own put in for the head."""
    import torch
    import transformers

    sizes = {
        "d_model": 16,
        "d_ff": 32,
        "d_kv": 4,
        "num_heads": 4,
        "num_layers": 2,
        "vocab_size": 50,
        "decoder_start_token_id": 0,
    }
    cls = getattr(transformers, f"{name}ForConditionalGeneration")
    config = cls.config_class(**sizes, tie_word_embeddings=False)
    with torch.device("meta"):
        model = cls(config)
        tied = model.num_parameters()
        model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.lm_head.weight))
        loaded = model.num_parameters()
    assert loaded == tied + 50 * 16
    stated = {"architectures": [cls.__name__], "model_type": config.model_type, **sizes, "tie_word_embeddings": False}
    assert sc.count(stated) == tied
    assert sum(f"{loaded:,} parameters" in text for text in sc.notes(stated)) == 1
    assert sc.formula(stated, tie_word_embeddings=False).count(stated) == loaded


def test_which_classes_tie_their_head_whatever_the_config_says():
    """Of all classes of the atlas: those with a head for which true and false were measured to be the same."""
    stored, found = counter(), set()
    for name in stored.atlas.names:
        first = next(iter(stored.atlas.find(name).layouts), None)
        check = first.checks.get("tie_word_embeddings") if first is not None else None
        if check is not None and check.accept.get("false") == check.accept.get("true") == 0:
            try:
                read = stored.found({"architectures": [name], "tie_word_embeddings": False})
            except SymcountError:
                continue
            if any("is not followed" in note.text for note in teller().notes({"tie_word_embeddings": False}, read)):
                found.add(name)
    assert found == {
        "LongT5ForConditionalGeneration", "MT5ForConditionalGeneration", "T5ForConditionalGeneration",
        "UMT5ForConditionalGeneration", "UdopForConditionalGeneration", "ViltForMaskedLM",
    }  # fmt: skip


def test_an_option_that_is_followed_stays_what_it_is():
    tied, own = (sc.formula("LlamaForCausalLM", tie_word_embeddings=x) for x in (True, False))
    assert own.difference("per_layer", "unique") == 0
    assert tied.difference("per_layer", "unique") != 0
    with pytest.raises(SymcountError, match="has no option 'tie_word_embeddings'"):
        sc.formula("T5Model", tie_word_embeddings=False)


@pytest.mark.parametrize(
    ("more", "words_of_it"),
    [
        (
            {"quantization_config": {"quant_method": "gptq", "bits": 4}},
            "quantization_config (gptq 4 bits): the model is",
        ),
        ({"quantization_config": {"quant_method": "fp8"}}, "quantization_config (fp8): the model is counted"),
        ({"compression_config": {"format": "pack-quantized"}}, "compression_config (pack-quantized): the model is"),
        ({"quantization": {"bits": 4, "group_size": 64}}, "quantization (4 bits): the model is counted"),
        (
            {"num_nextn_predict_layers": 1},
            "num_nextn_predict_layers = 1: the checkpoint may have layers of multi-token",
        ),
        ({"num_mtp_layers": 2}, "num_mtp_layers = 2: the checkpoint may have"),
        ({"num_mtp_modules": 3}, "num_mtp_modules = 3: the checkpoint may have"),
        ({"mtp_num_hidden_layers": 1}, "mtp_num_hidden_layers = 1: the checkpoint may have"),
        ({"talker_config": {"hidden_size": 896}}, "talker_config is not read by LlamaForCausalLM: a part that it"),
    ],
)
def test_what_the_checkpoint_has_besides(more, words_of_it):
    config = {**LLAMA, **more}
    ((text, doubtful),) = seen(config)
    assert text.startswith(words_of_it)
    assert not doubtful
    assert sc.count(config, strict=True) == sc.count(LLAMA)


# ------------------------------------------------------------------ the ways to a count


def test_a_directory_and_a_stream(tmp_path, capsys):
    (tmp_path / "good.json").write_text(json.dumps({**BERT, "hidden_size": 768}))
    (tmp_path / "bad.json").write_text(json.dumps({**BERT, "hiden_size": 1024}))
    assert run(["count", "--json", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert [len(json.loads(line)["notes"]) for line in out.splitlines()] == [1, 0]
    assert err.count("\n") == 1
    assert run(["count", "--strict", "--json", str(tmp_path)]) == 2
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["error" in row for row in rows] == [True, False]
    stream = tmp_path / "stream.jsonl"
    stream.write_text("\n".join(json.dumps(c) for c in ({**BERT, "hiden_size": 1024}, {**BERT, "hidden_size": 768})))
    assert run(["count", "--strict", "--json", "--jsonl", str(stream)]) == 2
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["error" in row for row in rows] == [True, False]


@pytest.mark.parametrize("command", ["formula", "breakdown", "latex"])
def test_other_commands_tell_it_too(tmp_path, capsys, command):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**BERT, "hiden_size": 1024}))
    assert run([command, str(path)]) == 0
    assert f"note: {path}: hiden_size is not read" in capsys.readouterr().err


def test_with_values_on_the_command_line(tmp_path, capsys):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**BERT, "hiden_size": 1024}))
    assert run(["count", str(path), "-s", "V=100", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["notes"] == ["hiden_size is not read: hidden_size may be meant, which is 768 here"]
    assert "note: " in err
    assert run(["count", str(path), "-s", "V=100", "--strict"]) == 2
    assert "hiden_size is not read" in capsys.readouterr().err


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
def test_a_derived_formula_has_them_too(monkeypatch):
    """A class that the atlas does not have: its keys are those of its config class."""
    from symcount.atlas.store import Atlas

    find = Atlas.find
    config = {"architectures": ["StableLmForCausalLM"], "model_type": "stablelm", "num_hidden_layers": 2}
    monkeypatch.setattr(Atlas, "find", lambda self, name, *of: None if "StableLm" in name else find(self, name, *of))
    assert sc.notes(config) == []
    assert sc.notes({**config, "hiden_size": 64}) == [
        "hiden_size is not read: hidden_size may be meant, which is 2560 here"
    ]
    (text,) = sc.notes({**config, "dim": 64})
    assert text.startswith("dim is not read: StableLmForCausalLM spells it hidden_size")
    with pytest.raises(DoubtfulError, match="none of the sizes"):
        sc.count({"architectures": ["StableLmForCausalLM"], "model_type": "stablelm"}, strict=True)


def test_hostile_keys_are_bounded():
    deep = {"hidden_sizes": 1}
    for _ in range(200):
        deep = {"part": deep}
    wild = {f"{'x' * 5}{i}": i for i in range(20_000)}
    config = {**LLAMA, "hidden_size": 64, "num_attention_heads": 4}
    config = {**config, **wild, "x" * 100_000 + "_config": {"hidden_size": 1},
              "deep_config": deep, "\n\x1b_mtp_": 2, "num_mtp_layers": 10**4000}  # fmt: skip
    assert max(map(len, sc.notes(config))) < 500
    assert sc.notes({**LLAMA, "hidden_size": 4096, 3: 4}) == []


def test_a_model_s_name_has_none():
    assert sc.notes("bert") == []
    assert sc.count("bert", strict=True) == 109_482_240


def test_the_shipped_words_are_those_of_the_atlas():
    """Where this fails: `python -m symcount.diagnostics.gathering`."""
    assert Path(WORDS).read_text() == gathering.text(gathering.gathered(atlas()))


# ------------------------------------------------------------------ the page

PAGE = (Path(__file__).parents[1] / "docs" / "notes.md").read_text(encoding="utf-8")


def test_the_page_s_python():
    run_python("\n".join(blocks("python", PAGE)), "notes.md")


def test_the_page_s_sessions(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    adapter = {"peft_type": "LORA", "base_model_name_or_path": "org/model", "r": 8}
    files = {"flan-t5-small": FLAN_SMALL, "misspelt": {**BERT, "hiden_size": 1024}, "adapter_config": adapter}
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    shown = list(sessions(PAGE))
    assert len(shown) == 5
    for command, output in shown:
        run(command.split()[1:])
        out, err = capsys.readouterr()
        told = "".join(line for line in err.splitlines(keepends=True) if not line.startswith("defaults of"))
        assert told + out == output.rstrip("\n") + "\n", command
