"""How the sizes of tensors are followed through torch."""
