#!/usr/bin/env bash
# Every claim that needs a GPU, in two calls of at most ten minutes, on a clean machine without a network.
#
#   FILES=/media/files benchmarks/gpu.sh 1      answering: generation, options by log-likelihood
#   FILES=/media/files benchmarks/gpu.sh 2      training: short rows, LoRA and QLoRA of 7B
#   DEVICE=cpu benchmarks/gpu.sh 1              the same commands at toy size on the CPU, with what is installed
#
# FILES is a folder with what a network would give; each part may be missing:
#   wheels/     of this product's requirements, trl, lm-eval and what builds a package:
#               pip download -d wheels '.[local,train,lm-eval]' trl hatchling
#               without it, and where it does not suffice, the python that is active is taken as it is
#   models/     folders 0.5B and 7B in transformers' format; without them models of these shapes with random weights are made
#   data/       the folder DATA of the other benchmarks, with ceval/; without it options are not scored
# OUT (default: gpu-results) receives a file a claim. A claim that fails or takes too long does not stop the others.
set -uo pipefail

part=${1:-}
case $part in
  1 | 2) ;;
  *)
    sed -n '2,15p' "$0"
    exit 2
    ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 2
device=${DEVICE:-cuda}
files=${FILES:-}
out=${OUT:-$PWD/gpu-results}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
: >"$out/summary-$part.txt"
started=$SECONDS
export HF_HUB_OFFLINE=1 PYTHONPATH="$root" HF_HUB_DISABLE_PROGRESS_BARS=1
[[ -n $files && -d $files/data ]] && export DATA="$files/data"

python=python

# install FOLDER: an environment of its own from wheels, beside what the active python has, of an environment too
install() {
  local place='import sysconfig; print(sysconfig.get_path("purelib"))' fresh="$work/venv/bin/python" own
  python3 -m venv --system-site-packages "$work/venv" || return
  own=$("$fresh" -c "$place") || return
  "$python" -c "$place" >"$own/active.pth" || return
  "$fresh" -m pip uninstall -qy setuptools || return # older than torch asks for, and before that of the active python
  "$fresh" -m pip install -q --no-index --find-links "$1" \
    -c constraints.txt "${root}[local,train,lm-eval]" trl || return
  python="$fresh"
}
if [[ -n $files && -d $files/wheels ]]; then
  install "$files/wheels" || echo "installing from $files/wheels failed; going on with the python that is active"
fi
tiny=()
[[ $device == cpu ]] && tiny=(--tiny)

# claim NAME SECONDS COMMAND…: run it, keep what it prints, note how it ended and its figures
claim() {
  local name=$1 limit=$2 begun=$SECONDS status=ended
  shift 2
  if [[ $device == cpu ]]; then limit=$((3 * limit)); fi # cores may be shared, and nobody waits for an end there
  echo "== $name: $*"
  timeout -k 10 "$limit" "$@" 2>"$out/$name.err" | tee "$out/$name.txt"
  local code=${PIPESTATUS[0]}
  case $code in
    0) ;;
    124 | 137) status="stopped after $limit s" ;;
    *)
      status="failed ($code)"
      tail -n 3 "$out/$name.err"
      ;;
  esac
  {
    printf '%-16s %-22s %4d s\n' "$name" "$status" $((SECONDS - begun))
    grep -iE '^BAR|ratio|times|tokens/s' "$out/$name.txt" | tail -n 8 | sed 's/^/    /'
  } >>"$out/summary-$part.txt"
}

# model SIZE: the folder of a model, made with random weights where FILES has none
model() {
  local size=$1
  if [[ $device == cpu ]]; then size=tiny; fi
  if [[ -n $files && -d $files/models/$size ]]; then
    echo "$files/models/$size"
    return
  fi
  [[ -d $work/$size ]] || "$python" benchmarks/training.py --base "$size" "$work/$size" >&2
  echo "$work/$size"
}

if [[ $part == 1 ]]; then
  gpu=(--gpu --batch 16 --items 52)
  [[ $device == cpu ]] && gpu=(--items 2 --subjects physician)
  claim generation 240 "$python" benchmarks/generation.py --gpu "${tiny[@]}"
  if [[ -n ${DATA:-} ]]; then
    claim options-0.5B 120 "$python" benchmarks/option_scoring.py "$(model 0.5B)" "${gpu[@]}"
    claim options-7B 180 "$python" benchmarks/option_scoring.py "$(model 7B)" "${gpu[@]}"
  else
    echo "options: no DATA, left out" | tee -a "$out/summary-$part.txt"
  fi
else
  claim training-short 240 "$python" benchmarks/training.py --gpu short "${tiny[@]}"
  claim training-lora 150 "$python" benchmarks/training.py --gpu lora "${tiny[@]}"
  claim training-qlora 150 "$python" benchmarks/training.py --gpu qlora "${tiny[@]}"
fi

echo
echo "== summary of call $part: $((SECONDS - started)) s, on $("$python" -c '
import torch
print(torch.cuda.get_device_name() if torch.cuda.is_available() else "the CPU")')"
cat "$out/summary-$part.txt"
