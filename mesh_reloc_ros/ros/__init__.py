"""ROS 2: messages, clocks, TF and parameters around the tracker."""
