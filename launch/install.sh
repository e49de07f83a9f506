# Sourced by the other scripts: makes a virtual environment and installs the checkout into it.
#   DEEPSIM_VENV    where it goes (default: .venv in the checkout)
#   PYTHON          which Python makes it (default: the first of python3, python3.13, 3.12, 3.11 that is 3.11 or later)
# usage: . launch/install.sh [extra[,extra]]

find_python() {
  for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "error: no Python 3.11 or later found; set PYTHON=/path/to/python3" >&2
  exit 2
}

install_checkout() {
  local extras=${1:+[$1]} python venv constraints
  venv=${DEEPSIM_VENV:-$PWD/.venv}
  if [ ! -x "$venv/bin/python" ]; then
    python=$(find_python) || exit 2
    "$python" -m venv "$venv"
  fi
  constraints=launch/constraints-py312.txt
  "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' ||
    constraints=launch/constraints-py311.txt
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint "$constraints" --editable ".$extras"
  PATH="$venv/bin:$PATH"
}
