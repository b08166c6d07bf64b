"""Counts with the base dependencies only: torch and transformers cannot be imported, SymPy is not needed."""

import json
import os
import subprocess
import sys

import pytest

from symcount.atlas.store import default_path

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")

BLOCK = """
import sys, json
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
"""

LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}

# config.json as published, with what it leaves out; the totals are those that the checkpoints have
PUBLISHED = [
    ({"architectures": ["BertForMaskedLM"], "vocab_size": 30000}, 109_112_880, None),
    ({"architectures": ["BertModel"]}, 109_482_240, None),
    (
        {"model_type": "bert", "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
         "intermediate_size": 4096}, 335_141_888, None,
    ),
    ({"architectures": ["GPT2LMHeadModel"]}, 124_439_808, None),
    ({"architectures": ["GPT2LMHeadModel"], "n_embd": 1600, "n_layer": 48, "n_head": 25}, 1_557_611_200, None),
    ({**LLAMA}, 6_738_415_616, None),
    (
        {**LLAMA, "vocab_size": 128_256, "intermediate_size": 28_672, "hidden_size": 8192, "num_hidden_layers": 80,
         "num_attention_heads": 64, "num_key_value_heads": 8}, 70_553_706_496, None,
    ),
    (
        {**LLAMA, "vocab_size": 128_256, "hidden_size": 16_384, "intermediate_size": 53_248, "num_hidden_layers": 126,
         "num_attention_heads": 128, "num_key_value_heads": 8}, 405_853_388_800, None,
    ),
    ({"architectures": ["MistralForCausalLM"], "model_type": "mistral", "sliding_window": 4096}, 7_241_732_096, None),
    ({"architectures": ["MixtralForCausalLM"], "model_type": "mixtral"}, 46_702_792_704, 12_879_925_248),
    ({"architectures": ["T5ForConditionalGeneration"]}, 60_506_624, None),
    (
        {"architectures": ["T5ForConditionalGeneration"], "d_model": 1024, "d_ff": 65_536, "d_kv": 128,
         "num_heads": 128, "num_layers": 24}, 11_307_321_344, None,
    ),
    (
        {"architectures": ["ViTForImageClassification"], "id2label": {str(i): f"LABEL_{i}" for i in range(1000)}},
        86_567_656, None,
    ),
    ({"architectures": ["AlbertModel"], "hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072},
     11_683_584, None),
    ({"model_type": "albert"}, 222_595_584, None),
    (
        {"architectures": ["Qwen2ForCausalLM"], "vocab_size": 151_936, "hidden_size": 896, "intermediate_size": 4864,
         "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2, "tie_word_embeddings": True},
        494_032_768, None,
    ),
    (
        {"architectures": ["Qwen3MoeForCausalLM"], "num_hidden_layers": 48, "head_dim": 128, "num_attention_heads": 32,
         "num_key_value_heads": 4, "hidden_size": 2048, "moe_intermediate_size": 768, "num_experts": 128},
        30_532_122_624, None,
    ),
    ({"architectures": ["Gemma2ForCausalLM"]}, 2_614_341_888, None),
    (
        {"architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3",
         "quantization_config": {"quant_method": "fp8"}, "num_nextn_predict_layers": 1,
         "rope_scaling": {"type": "yarn", "factor": 40, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0,
                          "mscale_all_dim": 1.0, "original_max_position_embeddings": 4096}},
        671_026_404_352, 37_552_282_624,
    ),
    (
        {"architectures": ["BloomForCausalLM"], "hidden_size": 14_336, "n_layer": 70, "n_head": 112},
        176_247_271_424, None,
    ),
    ({"architectures": ["MambaForCausalLM"], "num_hidden_layers": 24}, 129_135_360, None),
]  # fmt: skip


def python(code, blocked, data=""):
    done = subprocess.run(
        [sys.executable, "-c", BLOCK.format(blocked=blocked) + code],
        input=data, capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode in {0, 2}, done.stderr
    return done.stdout


def test_published_totals():
    data = "\n".join(json.dumps(config) for config, _, _ in PUBLISHED)
    code = "from symcount.cli import run; sys.exit(run(['count', '--json', '--jsonl', '-']))"
    blocked = ("torch", "transformers", "sympy", "typer", "rich", "numpy", "mpmath")
    rows = [json.loads(line) for line in python(code, blocked, data).splitlines()]
    found = [(row.get("unique", row.get("error")), row.get("active")) for row in rows]
    expected = [
        (unique, row.get("active") if active is None else active)
        for (_, unique, active), row in zip(PUBLISHED, rows, strict=True)
    ]
    assert found == expected


def test_a_count_loads_nothing_heavy(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    code = f"""
from symcount.cli import run
run(['count', '--json', {str(tmp_path / "config.json")!r}])
print(json.dumps(sorted(set(sys.modules) & {{'sympy', 'typer', 'rich', 'torch', 'transformers', 'numpy', 'mpmath'}})))
"""
    row, loaded = python(code, ()).splitlines()
    assert json.loads(row)["unique"] == 6_738_415_616
    assert json.loads(loaded) == []


def test_formulas_need_sympy_only():
    code = """
import symcount as sc
f = sc.formula("Qwen3MoeForCausalLM")
print(f.name, f.count(f.defaults and {}), f.total_as("active") != f.total, bool(f.latex()), len(f.breakdown(2)) > 1)
g = sc.formula({"architectures": ["MixtralForCausalLM"]})
print(g.count({}), g.count({}, convention="active"), g.domain_text())
try:
    sc.formula("NoSuchModel")
except sc.SymcountError as error:
    print(error)
"""
    first, second, third = python(code, ("torch", "transformers")).splitlines()
    assert first.startswith("Qwen3MoeForCausalLM ")
    assert first.endswith("True True True")
    assert second.startswith("46702792704 12879925248 valid when")
    assert "symcount[hf]" in third


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({**LLAMA, "hidden_act": "prelu"}, 'hidden_act = "prelu"'),
        ({"model_type": "musicgen"}, "no base model of musicgen is stored; name a class as architectures: Musicgen"),
    ],
)
def test_what_the_atlas_does_not_cover_is_refused_with_the_remedy(tmp_path, config, words):
    (tmp_path / "config.json").write_text(json.dumps(config))
    code = f"from symcount.cli import run; run(['count', '--json', {str(tmp_path / 'config.json')!r}])"
    (row,) = python(code, ("torch", "transformers")).splitlines()
    error = json.loads(row)["error"]
    assert words in error
    assert 'pip install "symcount[hf]"' in error
