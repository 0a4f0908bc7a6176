"""Global relocalization: compare an image with views of the mesh, and align it with the best."""
