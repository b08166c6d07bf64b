"""Models of packages beside transformers, by the files that these write: diffusers, timm, sentence-transformers."""
