#!/usr/bin/env bash
# transformers 5.24.0: a sliding layer of the cache with a window of one token keeps every token.
#
# A layer with window w holds w - 1 tokens of the past. With w = 1 that is none, and the slice that should leave none,
# `[-w + 1:]`, is `[0:]`: everything. So a window of 1 holds more than one of 2, and grows with the text.
#
# Seen: after 10 tokens and one more, window 2 holds 1 and 1 tokens, window 1 holds 10 and 11.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 TRANSFORMERS_VERBOSITY=error
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 transformers==5.24.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from transformers.cache_utils import DynamicSlidingWindowLayer


def held(window):
    layer, numbers = DynamicSlidingWindowLayer(sliding_window=window), []
    for tokens in (10, 1):
        states = torch.zeros(1, 1, tokens, 4)
        layer.update(states, states)
        numbers.append(layer.keys.shape[2])
    return numbers


for window in (3, 2, 1):
    print("window", window, "holds", held(window))
assert held(3) == [2, 2]
assert held(2) == [1, 1]
assert held(1) == [10, 11]
PYTHON
