#!/usr/bin/env bash
# ptflops 0.7.5: the number of parameters of a model is that of its trainable ones; a frozen model has none.
#
# get_model_complexity_info returns "(macs, params)" and calls the second the model's number of parameters. Whatever does
# not require a gradient is left out: sinusoidal positions, a frozen backbone, all of the base model below an adapter.
# The multiplications of the same layers are counted all the same.
#
# Seen: a convolution of 448 and a linear layer of 170 parameters: 618; with the convolution frozen 170; all frozen 0,
# with 123,050 multiplications each time.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 ptflops==0.7.5
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from ptflops import get_model_complexity_info

layers = [torch.nn.Conv2d(3, 16, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(16, 10)]
model = torch.nn.Sequential(*layers)
for frozen, expected in ((0, 618), (1, 170), (4, 0)):
    for layer in layers[:frozen]:
        layer.requires_grad_(False)
    macs, parameters = get_model_complexity_info(
        model, (3, 18, 18), as_strings=False, print_per_layer_stat=False, verbose=False
    )
    held = sum(p.numel() for p in model.parameters())
    print(f"{frozen} of 4 layers frozen: ptflops {parameters} parameters, {macs} multiplications; the model has {held}")
    assert (held, parameters) == (618, expected)
PYTHON
