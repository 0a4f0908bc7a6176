"""Pages that show a mesh in a browser, each a single file that needs no network."""
