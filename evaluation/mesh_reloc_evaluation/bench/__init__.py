"""`mesh_reloc bench`: this project's method beside others, on the same images."""
