#!/bin/sh
# Make .venv from the lock files. Arguments: Spark's version, names of Pythons to try, in order.
set -eu

spark=$1
shift
other_spark=requirements-spark-$spark.lock
if [ "$spark" != 3.5 ] && [ ! -f "$other_spark" ]; then
    echo "There is no $other_spark: write SPARK=3.5 or SPARK=4.1." >&2
    exit 1
fi

python=
for candidate in "$@"; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Python 3.11, 3.12 or 3.13 is needed: install it (Debian: apt install python3-venv; macOS: brew install python@3.13), or say where it is: make PYTHONS=/path/to/python3.13" >&2
    exit 1
fi

echo "Setting up .venv with $("$python" --version): once, 1 to 6 minutes, 4 GB of disk"
echo "1 of 4  making the environment"
if ! "$python" -m venv --clear .venv; then
    echo "This Python cannot make virtual environments (Debian: apt install python3-venv)." >&2
    exit 1
fi

# Run a command; leave out the list of all packages that it ends with.
briefly() {
    {
        status=0
        "$@" 2>&1 || status=$?
        echo "$status" >.venv/status
    } | awk '/^ [-+~] |^ *(Downloaded|Building|Built) |DEPRECATION/ { next } { print "        " $0; fflush() }'
    return "$(cat .venv/status)"
}

lock=requirements.lock
if [ "$spark" != 3.5 ]; then
    lock=.venv/requirements.lock
    awk '/^[^ ]/ { spark = /^pyspark==/ } !spark' requirements.lock | cat - "$other_spark" >$lock
fi

# uv installs in a third of pip's time; it comes from the same lock, and pip serves where it cannot.
# Python compiles what it imports, once: all packages would take longer than their installation.
echo "2 of 4  installing some 270 packages: Spark $spark, TensorFlow, a Java and others"
awk '/^uv==/ { found = 1 } found { print } found && !/\\$/ { exit }' requirements.lock >.venv/uv.lock
export VIRTUAL_ENV="$PWD/.venv"
if .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock &&
    briefly .venv/bin/uv pip install --system-certs --no-config --require-hashes -r $lock; then
    :
else
    echo "        uv could not; now with pip (a few minutes more)"
    briefly .venv/bin/python -m pip install --quiet --no-compile --disable-pip-version-check \
        --require-hashes -r $lock
fi
echo "3 of 4  installing the project"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
echo "4 of 4  running the pipeline over 17 photos: Spark starts faster after that"
# Without it, each run takes 2 seconds more, and works as well.
.venv/bin/python -m fruits_kedro.commands.appcds >.venv/archive.log 2>&1 ||
    echo "        it could not (.venv/archive.log): Spark starts as fast as it does"
echo "Ready. 'source .venv/bin/activate' gives you the command kedro."
