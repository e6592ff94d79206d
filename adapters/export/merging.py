"""Trained weights merged into their base: a checkpoint of its own, that anything can load."""

import shutil
from pathlib import Path

from adapters.methods.base.network import translate_disk_errors
from harness.components.method import Method
from harness.models.huggingface import HuggingFace

MERGED = ".merged"  # ends the name of the folder with the merged weights of the training in the folder beside it


def merge_weights(base: HuggingFace, method: Method, trained: Path, folder: Path) -> Path:
    """Write base and trained weights as one float32 checkpoint with its tokenizer into `folder`, once.

    float32, because merging rounds: into bfloat16 it moves the loss. Raises ModelError where the method cannot.
    """
    from filelock import FileLock

    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            network = method.merge(method.load(base.load("float32"), trained))
            with translate_disk_errors(partial):
                network.save_pretrained(partial)
                base.tokenizer.save_pretrained(partial)
                partial.replace(folder)
    return folder
