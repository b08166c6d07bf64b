#!/usr/bin/env bash
# transformers 5.23.0: HrmTextConfig with its own default written out is another model.
#
# The config class multiplies num_hidden_layers when it is made, and shows the product under the same name:
# HrmTextConfig().num_hidden_layers is 128, and HrmTextConfig(num_hidden_layers=128) has 1,024 layers. The file that
# save_pretrained writes has the product, and is read back rightly only because num_layers_per_stack stands beside it.
#
# Seen: 1,214,645,760 parameters by default, 8,084,915,712 with num_hidden_layers = 128.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 TRANSFORMERS_VERBOSITY=error
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 transformers==5.23.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from transformers import AutoModel, HrmTextConfig


def parameters(config):
    with torch.device("meta"):
        return AutoModel.from_config(config).num_parameters()


default = HrmTextConfig()
given = HrmTextConfig(num_hidden_layers=default.num_hidden_layers)
print("default:", default.num_hidden_layers, "layers,", parameters(default), "parameters")
print("num_hidden_layers=128:", given.num_hidden_layers, "layers,", parameters(given), "parameters")
assert default.num_hidden_layers == 128
assert given.num_hidden_layers == 1_024
assert parameters(default) == 1_214_645_760
assert parameters(given) == 8_084_915_712
PYTHON
