#!/usr/bin/env bash
# transformers 5.24.0: the config.json of a Dory model says twice as many layers as its config has.
#
# DoryConfig writes attention and MLP as layers of their own: `to_dict`, and so save_pretrained, doubles num_hidden_layers,
# n_input_layers, n_recurrent_layers and n_output_layers, and puts "mlp" behind each of the layer types; reading such a
# file halves them again. Whoever counts by num_hidden_layers of the file, as with any other model, counts every layer
# twice, and a file made by hand from the documented defaults is not the one that the class writes.
#
# Seen: 36 layers in the config, 72 in its file, 36 once it is read back.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 TRANSFORMERS_VERBOSITY=error
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q transformers==5.24.0
WORK="$work" "$work/venv/bin/python" -W ignore - <<'PYTHON'
import json
import os
from pathlib import Path

from transformers import AutoConfig, DoryConfig

folder = Path(os.environ["WORK"]) / "model"
config = DoryConfig()
config.save_pretrained(folder)
file = json.loads((folder / "config.json").read_text())
again = AutoConfig.from_pretrained(folder)
print("config:", config.num_hidden_layers, len(config.layer_types))
print("file:", file["num_hidden_layers"], len(file["layer_types"]), file["layer_types"][:4])
print("read back:", again.num_hidden_layers, len(again.layer_types))
assert (config.num_hidden_layers, len(config.layer_types)) == (36, 36)
assert (file["num_hidden_layers"], len(file["layer_types"])) == (72, 72)
assert file["layer_types"][1::2] == ["mlp"] * 36
assert (again.num_hidden_layers, len(again.layer_types)) == (36, 36)
PYTHON
