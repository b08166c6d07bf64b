#!/usr/bin/env bash
# peft 0.21.2 with transformers 5.23.0: LoRA of rank 8 on "all-linear" has rank 16 in the experts of a mixture.
#
# transformers keeps the gate and the up projection of all experts in one tensor. PEFT gives that tensor an adapter of
# twice the rank that was asked for, times the number of experts; the down projection has the rank that was asked for.
# r(in + out) for every matrix, the usual count of an adapter, is wrong for every mixture of experts.
#
# Seen: 4 experts, r = 8: 64 rows (4*16) beside 32 (4*8).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 TRANSFORMERS_VERBOSITY=error
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 transformers==5.23.0 accelerate==1.15.0 peft==0.21.2
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from peft import LoraConfig, get_peft_model
from transformers import MixtralConfig, MixtralForCausalLM

sizes = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1}
experts = {"num_attention_heads": 4, "num_key_value_heads": 2, "num_local_experts": 4, "num_experts_per_tok": 2}
model = MixtralForCausalLM(MixtralConfig(**sizes, **experts))
adapted = get_peft_model(model, LoraConfig(r=8, target_modules="all-linear"))
shapes = {n.partition("layers.0.")[2]: tuple(p.shape) for n, p in adapted.named_parameters() if "experts" in n and "lora" in n}
for name, shape in shapes.items():
    print(name, shape)
assert shapes["mlp.experts.base_layer.lora_A.default.weight"] == (4 * 16, 32)
assert shapes["mlp.experts.base_layer.lora_B.default.weight"] == (2 * 48, 4 * 16)
assert shapes["mlp.experts.lora_A.default.weight"] == (4 * 8, 48)
assert shapes["mlp.experts.lora_B.default.weight"] == (32, 4 * 8)
PYTHON
