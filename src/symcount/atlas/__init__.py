"""The atlas: derived formulas as data, so that a config.json is counted without torch, transformers or SymPy."""
