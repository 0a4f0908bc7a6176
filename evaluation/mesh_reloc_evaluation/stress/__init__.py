"""`mesh_reloc stress`: faults in a recording's images, and what the tracker publishes."""
