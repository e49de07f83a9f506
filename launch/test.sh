#!/usr/bin/env bash
# Installs everything that a test needs into .venv and runs the tests. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
. launch/install.sh
install_checkout test
ruff check .
python -m pytest "$@"
