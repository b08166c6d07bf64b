"""The formula of a model: a tree of blocks with its notation, and what is done with it."""
