# make demo: set up and run the demo      make test: set up and run lint, types and tests
.PHONY: help setup demo test lint clean
.DEFAULT_GOAL := help

# The interpreter behind python3, also where a virtual environment is active.
PYTHON := $(shell python3 -c 'import sys; print(sys._base_executable)' 2>/dev/null)
VENV := $(CURDIR)/.venv

# ROS 2 wheels restart Python once and mark the environment: the mark of another environment must
# not reach this one.
ifdef _ROS_WHEELS_BOOTSTRAP_COMPLETE
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE LD_LIBRARY_PATH
endif

# A ROS installation is used when it is sourced and complete; otherwise nothing of it leaks in.
ifneq ($(ROS_DISTRO)$(AMENT_PREFIX_PATH),)
ROS := $(shell $(PYTHON) -c 'import rclpy, tf2_ros, cv_bridge' 2>/dev/null && echo installed)
endif
ifndef ROS
unexport PYTHONPATH AMENT_PREFIX_PATH CMAKE_PREFIX_PATH RMW_IMPLEMENTATION ROS_DISTRO
endif

help:
	@echo 'make setup   prepare .venv (a few minutes the first time)'
	@echo 'make demo    set up, then track a simulated flight over DDS; leaves demo_output/'
	@echo 'make test    set up, then lint, types and tests'
	@echo 'make lint    set up, then lint and types only'
	@echo 'make clean   remove what these commands made'

setup:
	@PYTHON='$(PYTHON)' ROS='$(ROS)' scripts/setup.sh

demo: setup
	@$(VENV)/bin/mesh_reloc demo --output demo_output

test: lint
	@$(VENV)/bin/python -m pytest -p xdist -n 2 --dist loadfile

lint: setup
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

clean:
	rm -rf .venv demo_output bench_output stress_output study_output build install log *.egg-info */*.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
