#!/usr/bin/env bash
# peft 0.21.2: AdaLoRA trains its rank counters if the model is in bf16, and leaves them out if it is in fp32.
#
# Each adapted matrix has a counter `ranknum`, a parameter without a gradient. To keep an adapter in fp32 where the model is
# in half precision, PEFT makes every parameter of the adapter anew, and new parameters have a gradient. So the number of
# trainable parameters, and what an optimizer keeps, depends on the dtype of the model: one more for each matrix.
#
# Seen: a Llama of two layers, r = 4 on q_proj and v_proj: 1,040 trainable parameters in fp32, 1,044 in bf16.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 TRANSFORMERS_VERBOSITY=error
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 transformers==5.23.0 peft==0.21.2 accelerate==1.15.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from peft import AdaLoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

found = {}
for dtype in (torch.float32, torch.bfloat16):
    config = LlamaConfig(vocab_size=50, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4)
    model = LlamaForCausalLM(config).to(dtype)
    adapted = get_peft_model(model, AdaLoraConfig(init_r=4, target_r=2, total_step=100, target_modules=["q_proj", "v_proj"]))
    trained = {n: p for n, p in adapted.named_parameters() if p.requires_grad}
    counters = [n for n in trained if "ranknum" in n]
    found[dtype] = sum(p.numel() for p in trained.values())
    print(dtype, "trainable parameters:", found[dtype], "rank counters among them:", len(counters))
assert found[torch.bfloat16] == found[torch.float32] + 4
PYTHON
