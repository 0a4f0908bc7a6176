"""The textured mesh and its rendering: triangles, texels and pixels."""
