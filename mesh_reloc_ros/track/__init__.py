"""Tracking over time: predict, align, validate, update; search if the camera is lost."""
