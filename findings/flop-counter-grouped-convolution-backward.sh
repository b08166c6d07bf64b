#!/usr/bin/env bash
# torch 2.13.0: FlopCounterMode counts the weight gradient of a grouped convolution once for each group.
#
# A convolution in g groups takes 1/g of the operations of an ungrouped one, and so do both of its gradients: backward is
# twice forward. The counter divides forward and the gradient of the input by g, and the gradient of the weight not at
# all. For a depthwise convolution, as Mamba has one in each layer, backward is counted 65 times forward.
#
# Seen: forward 3,178,496 / 397,312 / 49,664 for 1 / 8 / 64 groups; backward 2, 9 and 65 times that.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 TRANSFORMERS_VERBOSITY=error
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from torch.utils.flop_counter import FlopCounterMode

for groups in (1, 8, 64):
    layer = torch.nn.Conv1d(64, 64, 4, groups=groups)
    with FlopCounterMode(display=False) as forward:
        result = layer(torch.randn(1, 64, 100, requires_grad=True))
    with FlopCounterMode(display=False) as backward:
        result.sum().backward()
    there, back = forward.get_total_flops(), backward.get_total_flops()
    print(groups, "groups: forward", there, "backward", back, "that is", back / there, "times")
    assert there == 2 * 64 * (64 // groups) * 4 * 97
    assert back == (groups + 1) * there
PYTHON
