"""Convert image and camera_info messages to frames; rclpy and rosbags messages both work."""
