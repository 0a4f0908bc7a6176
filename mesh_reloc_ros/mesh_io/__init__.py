"""Read mesh files into textured meshes."""
