"""Whether right and wrong poses differ in the quantities that decide on trust."""
