"""Formula against model: the real model is built and compared tensor by tensor."""
