"""From nothing to a pose: views of the mesh, compared with an image and aligned."""
