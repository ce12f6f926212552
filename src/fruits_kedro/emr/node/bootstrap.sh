#!/bin/bash
# Installs the package on a node, from the bucket alone. It stops at the first error and says which.
#   bootstrap.sh s3://<bucket>/<prefix>/package/<id> 3.11 eu-west-3 <sha256 of SHA256SUMS>
set -euo pipefail

package=${1:?the URL of the package}
version=${2:?the version of Python}
region=${3:?the region of the bucket}
sums=${4:?the sha256 of SHA256SUMS}
root=${FRUITS_KEDRO_ROOT:-/opt/fruits-kedro}
step=""
trap 'code=$?; echo "BOOTSTRAP FAILED: $step (line $LINENO, exit $code)" >&2; exit $code' ERR

step="making $root"
if ! mkdir -p "$root" 2>/dev/null || [ ! -w "$root" ]; then
    sudo install -d -o "$(id -un)" "$root"
fi

step="downloading $package"
aws --region "$region" s3 cp --recursive --only-show-errors "$package" "$root/package"

step="comparing hashes"
cd "$root/package"
echo "$sums  SHA256SUMS" | sha256sum --check --quiet
sha256sum --check --quiet SHA256SUMS

step="finding python$version"
if ! command -v "python$version" >/dev/null; then
    sudo dnf install -y -q "python$version"
fi

step="making the virtual environment"
"python$version" -m venv --clear "$root/venv"

step="installing the wheelhouse"
"$root/venv/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check \
    --no-compile --no-index --find-links wheels --no-deps --require-hashes -r requirements.txt

step="installing the project"
"$root/venv/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check \
    --no-compile --no-index --no-deps project/*.whl

# Pip would compile on one core, tests too. Some packages have templates, which are no Python.
"$root/venv/bin/python" -m compileall -qq -j 0 -x '/(tests|templates)/' "$root/venv/lib" || true

step="unpacking the configuration"
tar -xzf conf.tar.gz -C "$root"
cp model.backbone run.py "$root/"

step="trying what was installed"
"$root/venv/bin/python" - "$root/model.backbone" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np

from fruits_kedro.backbones.backbone_file import read_backbone

backbone = read_backbone(Path(sys.argv[1]), "litert", None)
size = backbone.input_size
features = backbone.load_model()(np.zeros((1, size, size, 3), np.uint8))
assert np.isfinite(features).all() and features.shape == (1, backbone.n_features)
PYTHON

rm -rf "$root/package"
echo "fruits-kedro is installed in $root."
