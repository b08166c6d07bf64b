#!/usr/bin/env bash
# torchinfo 1.8.0: a tied head hides the parameters that the model keeps beside its layers.
#
# A tied head is counted at both of its layers. What a module has of its own is found as the rest: its parameters, each
# once, minus those of its layers, and nothing where that is negative. So the head's second count is set off against
# parameters that belong to no layer (positions, class tokens, scales), and the total is neither "each tensor once" nor
# "each layer's tensors": it does not change while a table of positions grows from 0 to the size of the head.
#
# Seen: a table of 400 numbers tied to a head, and positions of 0, 128, 400 and 1,000 beside them: 800, 800, 800 and
# 1,400 parameters (each once: 400, 528, 800, 1,400; by layers: 800, 928, 1,200, 1,800).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 torchinfo==1.8.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import torch
import torchinfo


class Tied(torch.nn.Module):
    def __init__(self, positions):
        super().__init__()
        self.table = torch.nn.Embedding(50, 8)
        self.head = torch.nn.Linear(8, 50, bias=False)
        self.head.weight = self.table.weight
        self.positions = torch.nn.Parameter(torch.zeros(positions))


for positions, expected in ((0, 800), (128, 800), (400, 800), (1000, 1400)):
    model = Tied(positions)
    once = sum(p.numel() for p in model.parameters())
    found = torchinfo.summary(model, verbose=0).total_params
    print(f"{positions:5} positions: torchinfo {found}, each tensor once {once}, each layer's tensors {800 + positions}")
    assert (once, found) == (400 + positions, expected)
PYTHON
