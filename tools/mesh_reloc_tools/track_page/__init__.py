"""The page of `mesh_reloc track --html`."""
