"""All compiled code: the loops over points, pixels and texels."""
