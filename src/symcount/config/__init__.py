"""A `config.json` as a file: how it is read, what kind of file it is, which model types there are."""
