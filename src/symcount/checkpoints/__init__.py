"""Files of weights against the formula: headers are read, names matched, and not one weight is loaded."""
