"""Commands on files and bags; none of them needs ROS, but for the demo."""
