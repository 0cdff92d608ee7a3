"""The file of events is TensorBoard's: records with their checksums, each epoch there as it ends."""

import math
import struct

import pytest

import corenet as cn
from corenet.builtin import tensorboard
from corenet.testing.support.stand_in_training import StandInTraining

EPOCHS = [
    {"loss": 0.5, "valid_loss": math.inf, "train_f1": 1.0, "valid_matrix": [[1]]},
    {"loss": (2 - 2**-25) * 2.0**127, "valid_loss": 0.25, "train_f1": math.nan, "valid_matrix": [[2]]},
]


def crc32c(content):
    """Return the CRC-32C of bytes by long division, bit after bit."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def records(path):
    """Yield the content of each record, its checksums looked at."""
    content = path.read_bytes()
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        parts = content[:8], content[12 : 12 + length]
        for part, found in zip(parts, (content[8:12], content[12 + length : 16 + length]), strict=True):
            crc = crc32c(part)
            assert struct.unpack("<I", found) == (((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32,)
        yield parts[1]
        content = content[16 + length :]


def fields(message):
    """Yield the number and the value of each field of a protocol buffer."""

    def varint():
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place, value, shift = place + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value

    place = 0
    while place < len(message):
        key = varint()
        size = {0: 0, 1: 8, 5: 4}.get(key & 7)
        if size == 0:
            yield key >> 3, varint()
            continue
        size = varint() if size is None else size
        yield key >> 3, message[place : place + size]
        place += size


def scalars(path):
    """Return each number by step and tag."""
    found = {}
    for record in records(path):
        event = dict(fields(record))
        for _, value in fields(event.get(5, b"")):
            parts = dict(fields(value))
            found[event[2], parts[1].decode()] = struct.unpack("<f", parts[2])[0]
    return found


@pytest.fixture
def written(tmp_path):
    """Return the file that a training of these epochs leaves."""
    StandInTraining(EPOCHS).run(cn.TensorBoard(tmp_path / "runs" / "first"))
    (path,) = (tmp_path / "runs" / "first").iterdir()
    return path


def test_the_file_has_each_number_of_each_epoch(written):
    found = scalars(written)
    assert dict(fields(next(records(written))))[3] == b"brain.Event:2"
    assert {tag for _, tag in found} == {"loss/train", "loss/valid", "f1/train", "lr"}
    assert [found[step, "loss/train"] for step in (1, 2)] == [0.5, math.inf]  # single precision has no more
    assert [found[step, "loss/valid"] for step in (1, 2)] == [math.inf, 0.25]
    assert math.isnan(found[2, "f1/train"])


def test_the_checksum_is_that_of_the_standard():
    assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C
    crc = 0xE3069283
    masked = struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32)
    assert tensorboard._checksum(b"123456789") == masked


def test_tensorboard_itself_reads_it(written):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(written.parent))
    events.Reload()
    assert [(each.step, each.value) for each in events.Scalars("loss/valid")] == [(1, math.inf), (2, 0.25)]


def test_two_trainings_in_one_folder_write_two_files_and_what_cannot_be_is_refused(tmp_path):
    callback, data = cn.TensorBoard(tmp_path), cn.data.disk(10, seed=0)
    for _ in range(2):
        model = cn.Linear(2, 1)
        optimizer = cn.SGD(model.parameters(), lr=0.1)
        cn.fit(model, cn.MSELoss(), optimizer, data, epochs=3, batch_size=5, callbacks=[callback], progress=False)
    assert [max(step for step, _ in scalars(path)) for path in tmp_path.iterdir()] == [3, 3]
    (tmp_path / "file").touch()
    with pytest.raises(cn.OutputError, match="cannot write to"):
        StandInTraining(EPOCHS).run(cn.TensorBoard(tmp_path / "file" / "below"))


def test_each_epoch_can_be_read_when_it_ends(tmp_path):
    class Reader(cn.Callback):
        def after_epoch(self, training):
            (path,) = tmp_path.iterdir()
            seen.append(max(step for step, _ in scalars(path)))

    seen, model = [], cn.Linear(2, 1)
    callbacks = [cn.TensorBoard(tmp_path), Reader()]
    options = {"epochs": 3, "batch_size": 5, "callbacks": callbacks, "progress": False}
    cn.fit(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), cn.data.disk(10, seed=0), **options)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("folder", [None, 3.5, b"runs"])
def test_a_folder_that_is_no_path_is_refused(folder):
    with pytest.raises(cn.ConfigError, match="path as log_dir"):
        cn.TensorBoard(folder)


@pytest.mark.parametrize(
    ("value", "written"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**14, "808001")]
)
def test_integers_are_written_as_protocol_buffers_have_them(value, written):
    assert tensorboard._varint(value).hex() == written
