"""Image and camera_info messages to frames, whatever library made the messages."""
