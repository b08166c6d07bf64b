#!/usr/bin/env bash
# transformers 5.23.0: after a prefill, a sliding layer of the cache keeps the memory of the whole prompt; and a cache made
# by hand does not slide at all.
#
# A sliding layer holds window - 1 tokens, but what it holds are slices of the tensors of the whole prompt, which stay in
# memory until the next token. DynamicCache() handed to a model with sliding windows, as many examples do, has only full
# layers, because it was not given the config.
#
# Seen, 5 sliding layers of 6, window 16, 50 tokens: 16,000 bytes held and 38,400 stored, one token later 16,128 and
# 16,768; with DynamicCache() 38,400 held.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 TRANSFORMERS_VERBOSITY=error
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 transformers==5.23.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from transformers import DynamicCache, Gemma3ForCausalLM, Gemma3TextConfig

sizes = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 6}
heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16}
model = Gemma3ForCausalLM(Gemma3TextConfig(**sizes, **heads, sliding_window=16)).eval()
prompt = torch.arange(50)[None]


def held_and_stored(cache):
    tensors = [t for layer in cache.layers for t in (layer.keys, layer.values)]
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return sum(t.nbytes for t in tensors), sum(storages.values())


with torch.no_grad():
    cache = model(prompt, use_cache=True).past_key_values
    prefilled = held_and_stored(cache)
    stepped = held_and_stored(model(prompt[:, :1], past_key_values=cache, use_cache=True).past_key_values)
    by_hand = DynamicCache()
    model(prompt, past_key_values=by_hand, use_cache=True)
print("prefill:", prefilled, "one token later:", stepped, "DynamicCache():", held_and_stored(by_hand))
assert prefilled == (16_000, 38_400)
assert stepped == (16_128, 16_768)
assert held_and_stored(by_hand) == (38_400, 38_400)
PYTHON
