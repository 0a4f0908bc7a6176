"""The benchmark of a machine with a GPU: `evaluation/gpu/run.py` runs it."""
