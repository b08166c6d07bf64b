"""Numbers, loop indices and other values that remember the expression they were computed by."""
