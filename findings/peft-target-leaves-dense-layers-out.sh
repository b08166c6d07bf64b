#!/usr/bin/env bash
# peft 0.21.2: `target_modules=["down_proj"]` on a mixture adapts the stacked experts and leaves the dense layers out.
#
# transformers 5 stacks the experts of a mixture in one parameter. PEFT turns the name of the linear layers that they were
# into the name of that parameter, and takes it out of the list of modules; the first layers of a DeepSeek-V3, which are
# dense and still have a linear layer of that name, and the shared experts get no adapter, without a word.
#
# Seen: of `down_proj` in a dense layer, a shared expert and the stacked experts only the last one has an adapter.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 TRANSFORMERS_VERBOSITY=error
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 transformers==5.23.0 peft==0.21.2 accelerate==1.15.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from peft import LoraConfig, get_peft_model
from transformers import DeepseekV3Config, DeepseekV3ForCausalLM

config = DeepseekV3Config(
    vocab_size=50, hidden_size=32, intermediate_size=48, moe_intermediate_size=16, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=4, n_routed_experts=4, num_experts_per_tok=2, n_group=1, topk_group=1,
    first_k_dense_replace=1, q_lora_rank=8, kv_lora_rank=8, qk_rope_head_dim=4, qk_nope_head_dim=4, v_head_dim=4,
)
model = DeepseekV3ForCausalLM(config)
linear = [n for n, m in model.named_modules() if n.endswith("down_proj")]
print("linear layers of that name:", linear)
adapted = get_peft_model(model, LoraConfig(r=2, target_modules=["down_proj"]))
places = sorted({n.split(".lora_")[0].removeprefix("base_model.model.") for n, _ in adapted.named_parameters() if "lora_" in n})
print("adapted:", places)
assert any("layers.0.mlp.down_proj" in n for n in linear)
assert not any("layers.0." in n for n in places)
PYTHON
