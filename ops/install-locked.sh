#!/bin/sh
# Install into the environment $1 what the further arguments name: with uv, which takes seconds,
# or with pip where uv does not get through (a mirror that is set up for pip alone).
set -eu
venv=$1
shift
pip="$venv/bin/pip --quiet --disable-pip-version-check install --no-deps"
if [ -x "$venv/bin/uv" ] || $pip --require-hashes -r requirements/install.txt; then
  if UV_HTTP_TIMEOUT=15 "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps "$@"; then
    exit 0
  fi
  echo "uv could not install; pip tries, which takes a few minutes." >&2
fi
exec $pip "$@"
