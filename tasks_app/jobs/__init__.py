"""The jobs of the catalogue: one file each, found by importlib, imported by nothing."""
