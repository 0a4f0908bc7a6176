"""Where images are rendered and aligned: the modes that are compared."""

from __future__ import annotations

from dataclasses import replace

from mesh_reloc_ros.config.pipeline import Settings

MODES = {'cpu': ('cpu', 'cpu'), 'hybrid': ('cuda', 'cpu'), 'cuda': ('cuda', 'cuda')}
"""Device of the scene and of the solver."""


def settings_of(mode: str, settings: Settings) -> Settings:
    """Return the settings with the devices of a mode."""
    device, solver_device = MODES[mode]
    alignment = replace(settings.alignment, solver_device=solver_device)
    return replace(settings, device=device, solver='lm', alignment=alignment)
