"""Exact integers and fractions: arithmetic, expressions compiled to code, arrays."""
