#!/usr/bin/env bash
# torchinfo 1.8.0: the multiplications of a linear layer do not depend on the length of the sequence.
#
# total_mult_adds multiplies a linear layer's parameters by the batch and by no other axis, so that a transformer has the
# same number for one token as for a thousand; a convolution over the same axis does grow. A look-up in an embedding
# table, which multiplies nothing, counts as many as the whole table has numbers.
#
# Seen: Linear(10, 10): 110 for 1, 7 and 64 tokens; Embedding(1000, 10): 10,000.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 TRANSFORMERS_VERBOSITY=error
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 torchinfo==1.8.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import torch
import torchinfo

layer = torch.nn.Linear(10, 10)
for shape in ((1, 10), (1, 7, 10), (1, 64, 10)):
    found = torchinfo.summary(layer, input_size=shape, verbose=0).total_mult_adds
    print(shape, found)
    assert found == 110
table = torchinfo.summary(torch.nn.Embedding(1000, 10), input_data=torch.arange(8)[None], verbose=0).total_mult_adds
print("8 look-ups:", table)
assert table == 10_000
convolution = torch.nn.Conv1d(10, 10, 1)
assert torchinfo.summary(convolution, input_size=(1, 10, 64), verbose=0).total_mult_adds == 64 * 110
PYTHON
