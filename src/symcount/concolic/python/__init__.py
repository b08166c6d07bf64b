"""What is put in Python's place while a constructor runs: built-in functions, modules, literals."""
