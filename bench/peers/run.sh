#!/bin/sh
# Inference beside the others, from nothing: bench/peers/run.sh [FOLDER] [options of inference.py].
# FOLDER keeps the environments and model files (several GB; default /tmp/octet_peers). What can't be
# installed is left out and named in the table's notes.
set -eu
cd "$(dirname "$0")/../.."
folder=/tmp/octet_peers
case "${1-}" in -* | "") ;; *) folder=$1 && shift ;; esac

# Lines of a requirements file, together if possible, or else as many as can be had.
install() {
  python3 -m venv "$1"
  "$1/bin/pip" install -q -r "$2" && return
  grep -v '^#' "$2" | while read -r package; do
    "$1/bin/pip" install -q "$package" || echo "run.sh: $package can't be installed" >&2
  done
}

mkdir -p "$folder"
install "$folder/env" bench/peers/requirements.txt
install "$folder/litert_env" bench/peers/requirements_litert.txt
bazel build //bench:models //bench:lstm
"$folder/env/bin/python" bench/peers/inference.py --folder="$folder" \
  --litert-python="$folder/litert_env/bin/python" "$@"
