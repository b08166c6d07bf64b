#!/usr/bin/env bash
# transformers 5.24.0: models built in two threads at once leave the functions of torch.nn.init replaced for good.
#
# While a model is made, the functions of torch.nn.init are transformers' own ones, and afterwards those that were there
# when it began. The thread that begins second finds the first one's, and puts them back when the first has long gone:
# from then on torch.nn.init.kaiming_uniform_ of the whole process is one that looks at a tensor's _is_hf_initialized
# first, and whoever replaces such a function for a while finds what it replaced come back after it has gone.
#
# Seen: after one model in the main thread torch.nn.init.kaiming_uniform_ is of torch.nn.init; after ten models in each of
# two threads it is of transformers.initialization, with no thread left.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 transformers==5.24.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import threading

import torch
from transformers import BertConfig, BertModel

config = BertConfig(hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=64)


def where():
    return torch.nn.init.kaiming_uniform_.__module__


def build():
    for _ in range(10):
        BertModel(config)


BertModel(config)
print("after one thread:", where())
assert where() == "torch.nn.init"
for _ in range(20):  # it takes two that overlap
    threads = [threading.Thread(target=build) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if where() != "torch.nn.init":
        break
print("after two threads:", where())
assert where() == "transformers.initialization" and threading.active_count() == 1
PYTHON
