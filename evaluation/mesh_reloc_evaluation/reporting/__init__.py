"""What commands that measure share: tables, pictures, the report's folder, and the machine."""
