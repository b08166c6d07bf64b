"""What a model's forward pass holds and does, as closed forms: its cache, and its operations."""
