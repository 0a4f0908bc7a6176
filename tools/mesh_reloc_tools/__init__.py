"""Tools beside mesh_reloc_ros, which prepare and inspect files."""
