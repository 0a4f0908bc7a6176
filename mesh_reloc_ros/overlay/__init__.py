"""Overlay: the live image with the mesh drawn over or beside it, and the tracking state."""

from mesh_reloc_ros.overlay._draw import draw_overlay

__all__ = ['draw_overlay']
