"""Meshes made smaller, cut, and put into metres with z up."""
