"""Photometric alignment of one image with the scene: functions of their arguments, no state."""
