"""Calibration of a camera against the mesh."""
