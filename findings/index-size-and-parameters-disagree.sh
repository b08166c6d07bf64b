#!/usr/bin/env bash
# transformers 5.23.0: the two numbers in a sharded checkpoint's index do not speak of the same tensors.
#
# model.safetensors.index.json has total_parameters and total_size. The size has every tensor of the files, persistent
# buffers among them; the number of parameters has parameters only. So the size divided by the four bytes of a float32 is
# not the number of parameters of a float32 model: for I-BERT, which keeps quantised copies of its weights as buffers, it
# is nearly twice as many.
#
# Seen: total_parameters 23,520; total_size 184,864, that is 46,216 numbers of four bytes.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 TRANSFORMERS_VERBOSITY=error
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 transformers==5.23.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import json
import tempfile
from pathlib import Path

from transformers import IBertConfig, IBertModel

sizes = {"vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
model = IBertModel(IBertConfig(**sizes, intermediate_size=64, max_position_embeddings=64))
with tempfile.TemporaryDirectory() as folder:
    model.save_pretrained(folder, max_shard_size="20KB")
    said = json.loads(Path(folder, "model.safetensors.index.json").read_text())["metadata"]
print(said, "; size / 4 =", said["total_size"] // 4, "; parameters of the model", model.num_parameters())
assert {p.dtype.itemsize for p in model.parameters()} == {4}
assert said["total_parameters"] == model.num_parameters() == 23_520
assert said["total_size"] // 4 == 46_216
PYTHON
