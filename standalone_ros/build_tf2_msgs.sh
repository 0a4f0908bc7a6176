#!/usr/bin/env bash
# Generates tf2_msgs and installs it into a virtual environment that holds the ROS 2 wheels.
# usage: build_tf2_msgs.sh VENV
set -euo pipefail

venv=$(realpath "$1")
source=$(dirname "$(realpath "$0")")/tf2_msgs
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

export AMENT_PREFIX_PATH=$venv CMAKE_PREFIX_PATH=$venv PATH=$venv/bin:$PATH
cmake -S "$source" -B "$build" -DBUILD_TESTING=OFF -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_INSTALL_PREFIX="$venv" -DPython3_EXECUTABLE="$venv/bin/python"
cmake --build "$build" --parallel
cmake --install "$build"
