"""The bytes of a segment and of a blob file: pure, so tested by properties."""

from hypothesis import given
from hypothesis import strategies as st

from cellgraph.codecs.payload import Buffer, Payload
from cellgraph.digest import digest
from cellgraph.stores.local import blobfile
from cellgraph.stores.local.segment import (
    Scan,
    frame,
    prefixes,
    salt_of,
    scan,
    segment_id,
    unframe,
)
from cellgraph.testing.store_samples import contents, key_of, sample_payload

SEGMENT = segment_id("20000/ab/some.seg")
SALT = salt_of(SEGMENT)
RECORDS = st.lists(st.binary(max_size=60), min_size=1, max_size=12)


def file_of(records: list[bytes]) -> tuple[bytes, list[int]]:
    """A segment with these records; and the offset behind each."""
    frames = [frame(SALT, 1000 + i, key_of(i), data) for i, data in enumerate(records)]
    ends = [sum(map(len, frames[: i + 1])) for i in range(len(frames))]
    return b"".join(frames), ends


def read(raw: bytes, found: Scan, base: int = 0) -> list[tuple[bytes, bytes] | None]:
    places = [(row[3] - base, row[3] - base + row[4]) for row in found.rows]
    return [unframe(SALT, raw[start:end]) for start, end in places]


@given(RECORDS)
def test_every_record_is_found(records: list[bytes]) -> None:
    raw, ends = file_of(records)
    found = scan(raw, 500, SEGMENT)
    assert read(raw, found, 500) == [(key_of(i), data) for i, data in enumerate(records)]
    assert [row[0] for row in found.rows] == prefixes(key_of(i) for i in range(len(records)))
    assert [row[1] for row in found.rows] == [1000 + i for i in range(len(records))]
    assert (found.end, found.damaged) == (500 + ends[-1], [])


@given(RECORDS, st.data())
def test_a_torn_end_is_left_for_later(records: list[bytes], data: st.DataObject) -> None:
    raw, ends = file_of(records)
    cut = data.draw(st.integers(0, len(raw)))
    found = scan(raw[:cut], 0, SEGMENT)
    whole = [end for end in ends if end <= cut]
    assert len(found.rows) == len(whole)
    assert found.end == max(whole, default=0)
    assert found.damaged == []
    rest = scan(raw[found.end :], found.end, SEGMENT)
    assert found.rows + rest.rows == scan(raw, 0, SEGMENT).rows


@given(RECORDS, st.data())
def test_a_wrong_byte_costs_one_record(records: list[bytes], data: st.DataObject) -> None:
    raw, ends = file_of(records)
    at = data.draw(st.integers(0, len(raw) - 1))
    change = data.draw(st.integers(1, 255))
    damaged = bytearray(raw)
    damaged[at] ^= change
    hit = sum(end <= at for end in ends)
    found = scan(bytes(damaged), 0, SEGMENT)
    assert read(bytes(damaged), found) == [
        (key_of(i), r) for i, r in enumerate(records) if i != hit
    ]
    last = hit == len(records) - 1
    assert found.damaged == ([] if last else [([0, *ends][hit], ends[hit])])


def test_a_frame_inside_a_record_is_never_taken_for_one() -> None:
    other = salt_of(segment_id("20000/ab/other.seg"))
    inner = frame(other, 5, key_of("inner"), b"stolen")
    raw = frame(SALT, 1, key_of("outer"), inner * 3)
    tail = frame(SALT, 2, key_of("tail"), b"t")
    found = scan(b"\0" + raw[1:] + tail, 0, SEGMENT)
    assert [row[0] for row in found.rows] == prefixes([key_of("tail")])
    assert found.damaged == [(0, len(raw))]


def test_a_segment_under_another_name_holds_nothing() -> None:
    raw, _ = file_of([b"a", b"b"])
    assert scan(raw, 0, segment_id("20001/ab/some.seg")).rows == []


@given(st.lists(st.integers(0, 300), max_size=6), st.binary(max_size=100))
def test_a_blob_file_is_what_was_put_in(sizes: list[int], head: bytes) -> None:
    payload = Payload(head, sample_payload(9, sizes).buffers)
    pieces, size = blobfile.parts(payload)
    raw = b"".join(pieces)
    assert len(raw) == size
    found = blobfile.parse(memoryview(raw), payload.digest())
    assert contents(found) == contents(payload)
    for buffer in found.buffers:
        assert len(buffer.data) == 0 or raw.index(bytes(buffer.data)) >= 0
        assert buffer.data.obj is found.buffers[0].data.obj


def test_buffers_lie_at_multiples_of_64() -> None:
    payload = Payload(b"head", tuple(Buffer.of(bytes([i]) * 100) for i in range(1, 5)))
    pieces, _ = blobfile.parts(payload)
    raw = b"".join(pieces)
    assert [raw.index(bytes([i]) * 100) % 64 for i in range(1, 5)] == [0, 0, 0, 0]


@given(st.data())
def test_a_blob_file_that_is_not_its_name_is_damaged(data: st.DataObject) -> None:
    payload = sample_payload(4, (100, 3))
    raw = bytearray(b"".join(blobfile.parts(payload)[0]))
    change = data.draw(st.sampled_from(["cut", "grow", "flip"]))
    if change == "cut":
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    elif change == "grow":
        raw += b"\0"
    else:
        # Anywhere but in the padding, which holds nothing.
        first, last = raw.index(payload.buffers[0].data), raw.rindex(payload.buffers[1].data)
        header = range(32 + 2 * 40 + len(payload.head))
        at = data.draw(st.sampled_from([*header, *range(first, first + 100), last, last + 2]))
        raw[at] ^= data.draw(st.integers(1, 255))
    try:
        found = blobfile.parse(memoryview(bytes(raw)), payload.digest())
    except blobfile.DamagedBlob:
        return
    assert any(digest(b.data) != b.digest for b in found.buffers)
