#!/usr/bin/env bash
# Installs everything that a test needs into .venv, checks form, layers and types, and runs the tests, without
# the slow ones and those that drive a browser (which need Chromium). Arguments go to pytest; -m "" runs all, as
# CI does.
set -euo pipefail
cd "$(dirname "$0")/.."
. launch/install.sh
install_checkout test
ruff format --check --quiet .
ruff check .
lint-imports --no-cache
mypy
python -m pytest -n "${DEEPSIM_TEST_WORKERS:-2}" --dist loadfile --no-loadscope-reorder -m "not slow and not browser" "$@"
