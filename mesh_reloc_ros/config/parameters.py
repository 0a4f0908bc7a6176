"""All parameters together: those of the node, then those of the pipeline."""

from __future__ import annotations

from mesh_reloc_ros.config.declaration import Setting, settings_of
from mesh_reloc_ros.config.node import NodeSettings
from mesh_reloc_ros.config.pipeline import Settings

PARAMETERS: dict[str, Setting] = {
    setting.name: setting for setting in (*settings_of(NodeSettings), *settings_of(Settings))
}
"""Every parameter by its dotted name."""
