#!/usr/bin/env bash
# Run every check: format, lint, types, tests. Makes .venv if there is none.
# Without a browser, a PostgreSQL or the captures (HERMES_CAPTURES) those tests skip and say so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

unset PYTHONDONTWRITEBYTECODE
python=.venv/bin/python
stamp=.venv/.installed-dev

if [ ! -x "$python" ]; then
    python3 -m venv .venv
fi
if ! cat requirements.txt requirements-dev.txt | cmp -s - "$stamp" 2>/dev/null; then
    if command -v uv >/dev/null; then
        uv pip install --quiet --compile-bytecode --python "$python" -r requirements-dev.txt
    else
        "$python" -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
    fi
    cat requirements.txt requirements-dev.txt > "$stamp"
    cp requirements.txt .venv/.installed
fi

if [ $# -gt 0 ]; then
    exec "$python" -m pytest "$@"
fi
.venv/bin/ruff format --check .
.venv/bin/ruff check .
.venv/bin/mypy
# The long ones first, and a worker more than processors: half of their time is waiting for a clock, a browser or a server.
"$python" -m pytest -n $(($(nproc) + 1)) --dist loadfile --no-loadscope-reorder tests/e2e tests
