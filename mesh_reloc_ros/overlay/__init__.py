"""The live image with the mesh drawn over or beside it, and the tracker's state."""

from mesh_reloc_ros.overlay.draw import draw_overlay
from mesh_reloc_ros.overlay.settings import OverlaySettings

__all__ = ['OverlaySettings', 'draw_overlay']
