"""Arithmetic and conditions that people write, read through a list of what is allowed. Nothing is evaluated as code."""
