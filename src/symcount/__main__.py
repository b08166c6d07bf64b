"""`python -m symcount`."""

from symcount.cli import main

if __name__ == "__main__":
    main()
