"""All compiled code: what a CPU or a GPU runs point by point."""
