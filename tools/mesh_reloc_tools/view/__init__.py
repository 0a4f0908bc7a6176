"""Pictures of a mesh, and of images beside it."""
