"""Rendering of the textured mesh: rasterizers, textures, shading."""
