"""Several formulas side by side, and the shares of one."""
