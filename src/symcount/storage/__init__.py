"""Bytes: what the tensors of a model, their gradients and their optimizer's state are stored in."""
