"""Formulas derived from a model's own code; nothing here imports torch or transformers until it is used."""
