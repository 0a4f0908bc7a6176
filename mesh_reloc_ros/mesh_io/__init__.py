"""Mesh files to textured meshes."""
