"""Meshes of fewer faces."""
