"""Images that show none of the map: other rooms, photographs, textures, patterns."""
