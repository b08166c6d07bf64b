"""A config whose values are symbols, and which of them a constructor reads."""
