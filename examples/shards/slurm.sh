#!/bin/bash
# A suite divided among the tasks of a slurm array: `bash slurm.sh suite.yaml 8` submits three jobs, each after the other.
#
# One job trains and publishes what it trained; an array of 8 answers an eighth of the items each, with a cache of its own
# for each task, since many machines that write one SQLite file over a network folder wait for each other, or fail; one
# job joins the parts. A task that is requeued goes on from its cache. The folder of this script's caller is on a network
# folder that all machines see.
set -euo pipefail

suite="${1:?usage: bash slurm.sh SUITE SHARDS}"
shards="${2:?usage: bash slurm.sh SUITE SHARDS}"
name="$(basename "$(dirname "$(realpath "$suite")")")"
parts="parts/$name-of-$shards"
caches="$PWD/.harness-caches/$name"
trained="$caches/published"
gpu=(--gres=gpu:1 --cpus-per-task=8 --mem=64G)

train=$(sbatch --parsable "${gpu[@]}" --job-name="$name-train" --time=12:00:00 --wrap "
  export HARNESS_CACHE='$caches/train'
  { harness run '$suite' --limit 1 || [ \$? -eq 1 ]; } && harness cache publish '$trained'
")

answer=$(sbatch --parsable "${gpu[@]}" --job-name="$name" --time=24:00:00 --requeue --array="1-$shards" \
  --dependency="afterok:$train" --wrap "
  export HARNESS_SHARED_CACHE='$trained' HARNESS_CACHE='$caches'/shard-\$SLURM_ARRAY_TASK_ID
  harness run '$suite' --from predict --shard \$SLURM_ARRAY_TASK_ID/$shards --out '$parts'/\$SLURM_ARRAY_TASK_ID
")

merge=$(sbatch --parsable --cpus-per-task=4 --mem=32G --job-name="$name-merge" --time=04:00:00 \
  --dependency="afterok:$answer" --wrap "
  export HARNESS_SHARED_CACHE='$trained' HARNESS_CACHE='$caches/merge'
  harness merge '$parts' --suite '$suite' --out 'runs/$name-$answer'
")

echo "train $train, answer $answer ($shards tasks), merge $merge: runs/$name-$answer"
