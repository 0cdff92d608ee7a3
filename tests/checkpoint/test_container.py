"""A file of one wrong bit, or one byte too few, is never read; what is whole is read by any reader of the format."""

import hashlib
import json
import random
import struct
import tracemalloc

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

import corenet as cn
from corenet.checkpoint.container import BEFORE, PLACE, packed, read

TENSORS = {
    "a": torch.tensor([[0.1, -2.0, 3.5]]),
    "b": torch.tensor([7, -9], dtype=torch.int16),
    "c": torch.tensor([True, False, True]),
    "d": torch.tensor(0.3, dtype=torch.bfloat16),
    "e": torch.zeros(0, 4, dtype=torch.float64),
}


@pytest.fixture
def file(tmp_path):
    """Return what writes bytes to a file, which is its path."""

    def write(content):
        (tmp_path / "file").write_bytes(content)
        return tmp_path / "file"

    return write


def signed(header, data=b""):
    """Return a file of any header, with a checksum that is right."""
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    content = bytearray(struct.pack("<Q", len(text)) + text + data)
    if text.startswith(BEFORE):
        content[PLACE] = hashlib.sha256(bytes(content)).hexdigest().encode()
    return content


def document(**fields):
    return {"corenet": json.dumps({"format": 2, "sha256": "0" * 64, **fields}, separators=(",", ":"))}


def test_what_was_packed_is_read(file):
    contents = read(file(packed({"model": {"σ": [1, None]}}, TENSORS)))
    assert contents.document["model"] == {"σ": [1, None]}
    assert contents.entries.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        torch.testing.assert_close(contents.tensor(name), tensor, rtol=0, atol=0)


def test_other_readers_of_the_format_read_it_too(file):
    path = file(packed({}, TENSORS))
    torch.testing.assert_close(load_file(path), TENSORS, rtol=0, atol=0)
    with safe_open(path, framework="pt") as opened:
        assert list(opened.metadata()) == ["corenet"]


def test_the_checksum_is_that_of_the_whole_file_with_zeros_in_its_place():
    content = packed({}, TENSORS)
    digits, content[PLACE] = content[PLACE].decode(), b"0" * 64
    assert digits == hashlib.sha256(bytes(content)).hexdigest()


def test_one_model_gives_the_same_bytes_each_time():
    assert packed({"x": 1}, TENSORS) == packed({"x": 1}, dict(TENSORS))


def test_no_flipped_bit_is_read(file):
    content = packed({"versions": {"corenet": "0.2.0"}}, {"a": torch.tensor([0.5, 1.5])})
    for position in range(0, 8 * len(content), 5):  # each bit of a byte in turn
        damaged = bytearray(content)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(cn.CheckpointError, match=r"is not a checkpoint|is a safetensors file, but not"):
            cn.load_state(file(damaged))


def test_no_flipped_bit_of_a_model_is_loaded(path, network, saved):
    saved(network())
    content, drawn = path.read_bytes(), random.Random(5)
    for _ in range(300):
        damaged = bytearray(content)
        damaged[drawn.randrange(len(content))] ^= 1 << drawn.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(cn.CheckpointError):
            cn.load(path, network())


def test_no_truncation_and_no_trailing_byte_is_read(file):
    content = packed({}, TENSORS)
    for length in range(len(content)):
        with pytest.raises(cn.CheckpointError, match="is not a checkpoint"):
            read(file(content[:length]))
    for more in (b"\0", b" ", content):
        with pytest.raises(cn.CheckpointError, match="tensors take"):
            read(file(content + more))


def test_two_files_in_one_are_told_by_the_checksum(file):
    one, other = packed({}, {"a": torch.ones(3)}), packed({}, {"a": torch.full((3,), 2.0)})
    with pytest.raises(cn.CheckpointError, match=r"its bytes are not those that were written \(SHA-256\)"):
        read(file(one[:-4] + other[-4:]))


@pytest.mark.parametrize(
    ("header", "match"),
    [
        ({"__metadata__": document(), "a": 3}, "needs dtype, shape and data_offsets"),
        ({"__metadata__": {**document(), "more": "x"}}, "have more than 'corenet'"),
        ({"__metadata__": {**document(), "more": 3}}, "are no strings by name"),
        ({"__metadata__": {"corenet": "[" + document()["corenet"] + "]"}}, "begins as no file of this version"),
        (b'{"__metadata__":{"corenet":"' + b"\\" * 100 + b'"}}', "begins as no file of this version|Expecting"),
        ([1], "its header is a list"),
        (b"[" * 10_000, "nested deeper than 100"),
        (b'{"a":1,"a":2}', "'a' is there twice"),
        (b'{"a":NaN}', "NaN is no number"),
        (b'{"a":1e999}', "too large a number"),
        (b"\xff\xfe", "codec can't decode"),
    ],
)
def test_a_header_of_something_else_is_refused_though_its_checksum_is_right(file, header, match):
    with pytest.raises(cn.CheckpointError, match=match) as caught:
        read(file(signed(header)))
    assert "\n" not in str(caught.value)


def test_a_later_format_is_told(file):
    content = packed({}, {})
    content[8 : 8 + len(BEFORE)] = BEFORE.replace(b"2", b"3")
    with pytest.raises(cn.CheckpointError, match="a later corenet wrote it"):
        read(file(content))


def test_a_bool_that_is_neither_is_refused(file):
    header = {"__metadata__": document(), "a": {"dtype": "BOOL", "shape": [2], "data_offsets": [0, 2]}}
    contents = read(file(signed(header, b"\x01\x02")))
    with pytest.raises(cn.CheckpointError, match="'a' has values that are neither True nor False"):
        contents.tensor("a")


def test_tensors_that_are_not_aligned_are_read(file):
    header = {
        "__metadata__": document(),
        "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
        "b": {"dtype": "F32", "shape": [2], "data_offsets": [1, 9]},
    }
    contents = read(file(signed(header, b"\x05" + struct.pack("<2f", 0.5, -3.0))))
    assert (contents.tensor("a").tolist(), contents.tensor("b").tolist()) == ([5], [0.5, -3.0])


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a\n", "x" * 257])
def test_a_name_that_no_file_may_have_is_refused_when_it_is_saved(name):
    with pytest.raises(cn.CheckpointError, match=r"this cannot be saved: .* is no name of a tensor"):
        packed({}, {name: torch.ones(1)})


def test_a_description_that_is_too_long_is_refused_when_it_is_saved():
    with pytest.raises(cn.CheckpointError, match=r"its description takes \d+ bytes, and there is room for 8388608"):
        packed({"table": "x" * 2**23}, {})


@pytest.mark.parametrize("size", [2**23 + 1, 2**62, 2**64 - 1])
def test_a_header_that_says_it_is_long_takes_no_memory(file, size):
    path = file(struct.pack("<Q", size) + bytes(50))
    tracemalloc.start()
    with pytest.raises(cn.CheckpointError, match="cut short, or of another format"):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_a_large_file_of_another_format_is_not_read_whole(file):
    content = bytes(10_000_000)
    tracemalloc.start()
    with pytest.raises(cn.CheckpointError, match="not a checkpoint"):
        read(file(content))
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_a_file_that_is_read_is_in_memory_once(file):
    path = file(packed({}, {"a": torch.zeros(2_000_000)}))
    tracemalloc.start()
    contents = read(path)
    contents.tensor("a")
    assert tracemalloc.get_traced_memory()[1] < 8_500_000  # of 8,000,000 bytes
    tracemalloc.stop()


def test_what_safetensors_wrote_without_us_has_no_document(file):
    assert read(file(save({"a": torch.ones(2)}))).document is None
