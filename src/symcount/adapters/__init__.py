"""Adapters: what a fine-tuning adds to a model, as a formula in its rank."""
