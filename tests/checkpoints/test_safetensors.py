"""Headers of safetensors files: as the format's own package reads them, and broken in a hundred ways."""

import copy
import json
import random
import struct
import time
import tracemalloc
from pathlib import Path

import pytest
from safetensors import safe_open

from symcount.checkpoints import safetensors
from symcount.checkpoints.header import BITS
from symcount.errors import CheckpointError

from .conftest import file_of, header_of

GOOD = {
    "__metadata__": {"format": "pt"},
    "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "b": {"dtype": "BF16", "shape": [4], "data_offsets": [24, 32]},
    "empty": {"dtype": "F32", "shape": [0, 5], "data_offsets": [32, 32]},
    "scalar": {"dtype": "F32", "shape": [], "data_offsets": [32, 36]},
}
WEIGHTS = bytes(36)


def read(tmp_path, data):
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    return safetensors.read(path)


def theirs(path):
    """Whether the format's own package takes a file."""
    try:
        with safe_open(path, "np") as file:
            list(file.keys())
    except Exception:  # noqa: BLE001  # a Rust error, by its text
        return False
    return True


def test_a_header_is_what_the_formats_own_package_reads(llama):
    path = llama[0] / "model.safetensors"
    header = safetensors.read(path)
    with safe_open(path, "pt") as file:
        assert header.metadata == file.metadata()
        assert {t.name for t in header} == set(file.keys())
        for tensor in header:
            assert list(tensor.shape) == file.get_slice(tensor.name).get_shape()
            assert tensor.dtype == file.get_slice(tensor.name).get_dtype()
    assert sum(t.size for t in header) == len(header_of(path)[1])


def test_tensors_without_elements_and_without_dimensions(tmp_path):
    found = {t.name: (t.shape, t.size) for t in read(tmp_path, file_of(GOOD, WEIGHTS))}
    assert found == {"a": ((2, 3), 24), "b": ((4,), 8), "empty": ((0, 5), 0), "scalar": ((), 4)}
    assert theirs(tmp_path / "model.safetensors")


@pytest.mark.parametrize("dtype", BITS)
def test_every_type_has_the_width_that_the_package_gives_it(tmp_path, dtype):
    size = BITS[dtype]  # eight elements
    one = {"x": {"dtype": dtype, "shape": [8], "data_offsets": [0, size]}}
    assert read(tmp_path, file_of(one, bytes(size))).tensors[0].size == size
    assert theirs(tmp_path / "model.safetensors")


def changed(name, **fields):
    entries = copy.deepcopy(GOOD)
    entries[name] |= fields
    return file_of(entries, WEIGHTS)


TEXT = json.dumps(GOOD)
BROKEN = {
    "nothing": (b"", "0 bytes long"),
    "too short for the length": (b"\x01\0\0", "3 bytes long"),
    "no header": (struct.pack("<Q", 0), "does not begin with {"),
    "a length of 2^63": (struct.pack("<Q", 2**63) + b"{}", "more than the 100,000,000 of the format"),
    "a length of 2^64 - 1": (b"\xff" * 8 + b"{}", "more than the 100,000,000"),
    "a length beyond the file": (struct.pack("<Q", 1000) + b"{}", "cut off.*the header has 1,000 bytes, of which 2"),
    "a JSON file": (TEXT.encode(), "begins with {, like a JSON file"),
    "a zip": (b"PK\x03\x04" + bytes(40), "or no safetensors file"),
    "not an object": (file_of(b"[]"), "does not begin with {"),
    "a space before it": (file_of(b" {}"), "does not begin with {"),
    "not UTF-8": (file_of(b'{"\xff": 1}'), "not UTF-8"),
    "cut JSON": (file_of(TEXT[:-5].encode(), WEIGHTS), "not JSON"),
    "NaN": (file_of(b'{"a": NaN}'), "NaN"),
    "nested deeply": (file_of(b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "nested too deeply"),
    "a long number": (file_of(b'{"a": ' + b"9" * 10_000 + b"}"), "too many digits"),
    "a name twice": (file_of(TEXT.replace('"b"', '"a"').encode(), WEIGHTS), "'a' comes twice"),
    "a field twice": (file_of(TEXT.replace('"shape"', '"dtype"', 1).encode(), WEIGHTS), "'dtype' comes twice"),
    "metadata twice": (file_of(TEXT.replace('"a"', '"__metadata__"').encode(), WEIGHTS), "comes twice"),
    "metadata of numbers": (file_of({**GOOD, "__metadata__": {"x": 1}}, WEIGHTS), "object of strings"),
    "no object": (file_of({**GOOD, "a": [1]}, WEIGHTS), "expected an object with"),
    "a field missing": (file_of({**GOOD, "a": {"dtype": "F32", "shape": [6]}}, WEIGHTS), "expected an object with"),
    "an unknown type": (changed("a", dtype="F33"), r"dtype 'F33'.*Did you mean F32"),
    "a type that is no word": (changed("a", dtype=["F32"]), "dtype"),
    "a shape that is no list": (changed("a", shape="6"), "shape '6'"),
    "a fraction": (changed("a", shape=[2.0, 3]), "integers of at least 0"),
    "true": (changed("a", shape=[True, 6]), "integers of at least 0"),
    "a negative size": (changed("a", shape=[-2, -3]), "integers of at least 0"),
    "a size of 2^63": (changed("a", shape=[2**63]), "integers of at least 0"),
    "sizes with a huge product": (changed("a", shape=[2**62, 2**62, 2**62]), "its offsets leave 24"),
    "65 dimensions": (changed("a", shape=[1] * 64 + [6]), "at most 64"),
    "a shape that does not fit": (changed("a", shape=[2, 4]), r"F32 of shape \[2, 4\] takes 32 bytes.*leave 24"),
    "a type that does not fit": (changed("a", dtype="F16"), "takes 12 bytes"),
    "one offset": (changed("a", data_offsets=[0]), "where it begins and where it ends"),
    "offsets the wrong way": (changed("a", data_offsets=[24, 0]), "where it begins"),
    "a negative offset": (changed("a", data_offsets=[-24, 0]), "where it begins"),
    "an offset of 2^64": (changed("a", data_offsets=[0, 2**64]), "where it begins"),
    "an overlap": (changed("b", data_offsets=[16, 24]), "'b' overlaps the tensor before it|'a' overlaps"),
    "a gap": (changed("scalar", data_offsets=[40, 44]), "'scalar' leaves a gap"),
    "weights cut off": (file_of(GOOD, WEIGHTS[:-1]), "cut off: the tensors take 36 bytes, the file has 35"),
    "weights too long": (file_of(GOOD, WEIGHTS + b"\0"), "longer than its header says"),
    "a name of a megabyte": (file_of({"x" * 2**20: {}}), "more than 4,096 characters"),
}  # fmt: skip


# the package takes a space before the header, which the format forbids, and more dimensions than PyTorch has
@pytest.mark.parametrize("name", [n for n in BROKEN if n not in ("a space before it", "65 dimensions")])
def test_a_broken_header_is_refused_by_the_formats_own_package_too(tmp_path, name):
    (tmp_path / "x.safetensors").write_bytes(BROKEN[name][0])
    assert not theirs(tmp_path / "x.safetensors")


def test_a_field_that_the_format_does_not_know_is_ignored_as_by_its_own_package(tmp_path):
    assert len(read(tmp_path, changed("a", stride=1)).tensors) == 4
    assert theirs(tmp_path / "model.safetensors")


@pytest.mark.parametrize(("data", "words"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_header_is_refused_in_one_line(tmp_path, data, words):
    with pytest.raises(CheckpointError, match=words) as caught:
        read(tmp_path, data)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'model.safetensors'}: ")
    assert "\n" not in said
    assert len(said) < 500 + len(str(tmp_path))


def mutated(data, rng):
    """*data* with some bytes of its header changed, left out or put in."""
    (length,) = struct.unpack("<Q", data[:8])
    head = bytearray(data[: 8 + length])
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(head))
        match rng.randrange(4):
            case 0:
                head[place] = rng.randrange(256)
            case 1:
                del head[place]
            case 2:
                head.insert(place, rng.choice(b'0123456789{}[],:"-.e'))
            case _:
                head[place] ^= 1 << rng.randrange(8)
    cut = rng.choice([len(data), rng.randrange(len(data))])
    return (bytes(head) + data[8 + length :])[:cut]


@pytest.mark.parametrize("seed", range(100))
def test_a_mutated_header_is_read_alike_or_refused_at_bounded_cost(tmp_path, llama, seed):
    data = mutated((llama[0] / "model.safetensors").read_bytes(), random.Random(seed))
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    tracemalloc.start()
    start = time.process_time()
    try:
        header = safetensors.read(path)
    except CheckpointError:
        header = None
    assert time.process_time() - start < 1
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()
    if header is not None:  # what we take, the format's own package takes, and reads as we do
        with safe_open(path, "pt") as file:
            assert {t.name: list(t.shape) for t in header} == {
                n: file.get_slice(n).get_shape()
                for n in file.keys()  # noqa: SIM118  # it is no dict
            }


class Watched:
    """A file that notes which bytes are read."""

    def __init__(self, file):
        self.file, self.last = file, 0

    def read(self, number=-1):
        data = self.file.read(number)
        self.last = max(self.last, self.file.tell())
        return data

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


def test_not_a_byte_after_the_header_is_read(llama, monkeypatch):
    path = llama[0] / "model.safetensors"
    entries, weights = header_of(path)
    files = []
    real = Path.open

    def opened(self, *args, **kwargs):
        assert kwargs.get("buffering") == 0
        files.append(Watched(real(self, *args, **kwargs)))
        return files[-1]

    monkeypatch.setattr(Path, "open", opened)
    assert len(safetensors.read(path).tensors) == len(entries) - 1
    assert files[0].last == path.stat().st_size - len(weights)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CheckpointError, match="No such file"):
        safetensors.read(tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="no file can have this name"):
        safetensors.read(Path("a\0.safetensors"))
