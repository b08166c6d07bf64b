"""Formulas as programs: a function in Python, C, JavaScript or Mathematica that gives the count, exactly.

Every language prints the same tree of integer operations (`symcount.code.integers`), which comes from the syntax tree
that counts themselves are compiled from, by a table of its own operators.
"""
