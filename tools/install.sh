#!/bin/sh
# Installs the locked dependencies and this checkout into a virtual environment.
# usage: install.sh PYTHON VENV [GROUP]: GROUP is a dependency group to install beside the usual ones
set -eu
python=$1
venv=$2
group=${3:-}
uv_version=0.13.9

if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))'; then
    echo "Weft needs Python 3.11 or 3.12; set PYTHON, as in: make $* PYTHON=python3.11" >&2
    exit 1
fi
if [ ! -x "$venv/bin/python" ]; then
    "$python" -m venv "$venv" || {
        echo "The module venv is missing; on Debian: apt-get install python3-venv" >&2
        exit 1
    }
fi
uv() { "$venv/bin/python" -m uv "$@"; }
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip --upgrade >/dev/null
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$uv_version"

# The lock carries versions and hashes; where packages come from is the machine's own setting.
wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
uv export --quiet --frozen --all-packages --no-emit-workspace --no-annotate --no-header \
    ${group:+--group "$group"} -o "$wanted" >/dev/null
VIRTUAL_ENV=$venv uv pip install --quiet --compile-bytecode --require-hashes -r "$wanted"
VIRTUAL_ENV=$venv uv pip install --quiet --no-deps -e . -e ./client
"$venv/bin/python" -m compileall -q compiler agents store actors serve client || true
