"""What a formula is made of, all frozen: letters, domain, tree of blocks, ledger of parameters."""
