#!/usr/bin/env bash
# Start Hermes: make the environment if there is none, then hand over to the supervisor.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

unset PYTHONDONTWRITEBYTECODE
python=.venv/bin/python
stamp=.venv/.installed

if [ ! -x "$python" ]; then
    command -v python3 >/dev/null || { echo "hermes: python3 (3.11 or later) is needed" >&2; exit 2; }
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hermes: python3 is $(python3 -V), 3.11 or later is needed" >&2; exit 2; }
    echo "Making .venv (once)."
    python3 -m venv .venv
fi
if ! cmp -s requirements.txt "$stamp" 2>/dev/null; then
    echo "Installing packages (once)."
    if command -v uv >/dev/null; then
        uv pip install --quiet --compile-bytecode --python "$python" -r requirements.txt
    else
        "$python" -m pip install --quiet --disable-pip-version-check -r requirements.txt
    fi
    "$python" -m compileall -q core agents venues api dashboard
    cp requirements.txt "$stamp"
fi
exec "$python" -m core.supervisor "$@"
