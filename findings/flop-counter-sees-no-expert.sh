#!/usr/bin/env bash
# torch 2.13.0 with transformers 5.23.0: FlopCounterMode counts the same operations however many experts a token uses.
#
# transformers computes the experts of a mixture by a grouped matrix product, for which torch's counter has no rule. It
# says nothing of it: an operator without a rule counts zero. A Mixtral in which each token uses one, two or four experts
# has the same count, that of its attention, router and head.
#
# Seen: 270,336 for 1, 2 and 4 experts a token; a gated expert of 32 and 48 takes 6*32*48 = 9,216 a token and layer.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 TRANSFORMERS_VERBOSITY=error
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 transformers==5.23.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import MixtralConfig, MixtralForCausalLM

sizes = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
found = []
for used in (1, 2, 4):
    model = MixtralForCausalLM(MixtralConfig(**sizes, **heads, num_local_experts=4, num_experts_per_tok=used))
    with FlopCounterMode(display=False) as counter:
        model(torch.arange(16)[None])
    found.append(counter.get_total_flops())
    print(used, "experts a token:", found[-1], "operations counted;", used * 16 * 2 * 9_216, "are in experts")
assert found == [270_336] * 3
PYTHON
