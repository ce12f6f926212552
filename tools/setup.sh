#!/bin/sh
# Make .venv from the lock file. Arguments: names of Pythons to try, in order.
set -eu

python=
for candidate in "$@"; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Python 3.11 or 3.12 is needed: install it (Debian: apt install python3.11-venv; macOS: brew install python@3.11), or say where it is: make PYTHONS=/path/to/python3.11" >&2
    exit 1
fi

echo "Setting up .venv with $("$python" --version) (once; 2 to 6 minutes, 3 GB) ..."
if ! "$python" -m venv --clear .venv; then
    echo "This Python cannot make virtual environments (Debian: apt install python3.11-venv)." >&2
    exit 1
fi

# uv installs in a third of pip's time; it comes from the same lock, and pip serves where it cannot.
# Both compile to bytecode: TensorFlow's modules alone take 7 s, in each process where nothing keeps it.
awk '/^uv==/ { found = 1 } found { print } found && !/\\$/ { exit }' requirements.lock >.venv/uv.lock
if .venv/bin/python -m pip install --quiet --require-hashes -r .venv/uv.lock &&
    VIRTUAL_ENV="$PWD/.venv" .venv/bin/uv pip install --compile-bytecode --no-config \
        --require-hashes -r requirements.lock; then
    :
else
    echo "Installing with pip instead ..."
    .venv/bin/python -m pip install --require-hashes -r requirements.lock
fi
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
echo "Ready."
