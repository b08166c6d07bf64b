"""Every class of transformers, in worker processes: into an atlas or a table of coverage."""
