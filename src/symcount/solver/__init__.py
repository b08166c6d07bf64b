"""Every config that meets a parameter budget: exact, complete, fast by algebra instead of trial and error."""
