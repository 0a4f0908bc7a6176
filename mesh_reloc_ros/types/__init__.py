"""Rigid motions and the pinhole camera: numbers and frames, no images and no meshes."""
