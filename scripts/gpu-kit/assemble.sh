#!/bin/sh
# Assembles the kit from the pieces beside this script, and runs it: sh assemble.sh [OPTIONS OF run.mjs]
set -eu
cd "$(dirname "$0")"
cat > pieces.sha256 <<'LIST'
PIECES
LIST
missing=$(sha256sum --check --quiet pieces.sha256 2>/dev/null | sed 's/: FAILED.*//') || true
if [ -n "$missing" ]; then
  echo "missing or not whole:"
  echo "$missing"
  exit 1
fi
if [ ! -e kit/ready ]; then
  rm -rf kit && mkdir kit
  cut -c67- pieces.sha256 | xargs cat | tar -xzf - -C kit
  touch kit/ready
fi
export GRAM_ONNXRUNTIME="$PWD/kit/runtime"
# Libraries of CUDA and cuDNN that came with PyTorch, where there are any.
found=$(python3 -c "import glob, site; print(':'.join(sorted({p for s in site.getsitepackages() for p in glob.glob(s + '/nvidia/*/lib')})))" 2>/dev/null) || found=
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}:$found:/usr/local/cuda/lib64"
exec kit/bin/node kit/app/run.mjs "$@"
