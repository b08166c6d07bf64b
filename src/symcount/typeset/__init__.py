"""Typesetting: formulas as a person would write them."""
