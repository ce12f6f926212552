#!/bin/sh
# Remove what make has made, and nothing that a user made.
set -eu
. tools/made.sh

rm -rf build/site .venv .viz .mypy_cache .pytest_cache .ruff_cache .hypothesis src/*.egg-info
find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
mkdir -p .made
if results_are_others; then
    echo "The results in data/ stay: some of them were not made by 'make run', or were changed."
else
    remove_unchanged .made/results data/0[2-8]*
    rm -f data/.lock data/.lock.json
fi
photos=data/01_raw/fruits-360
if [ -d "$photos" ]; then
    touch .made/photos
    remove_unchanged .made/photos "$photos"
    rmdir "$photos" 2>/dev/null || echo "The photos in $photos that are yours stay."
fi
rm -rf .made
