"""Fuzzing: what is tried (`mutate`, `words`), where (`entries`), and under which limits (`running`)."""
