"""What symcount costs, always beside something else that gives the same number: `python -m benchmarks`."""
