"""Concolic execution of a model's constructor: it runs with real numbers that remember where they came from."""
