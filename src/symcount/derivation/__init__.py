"""Deriving a parameter-count formula from the code of a real model."""
