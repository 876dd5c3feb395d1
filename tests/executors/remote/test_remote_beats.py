"""How far calls are: what is written, how often, and what is believed of it."""

import threading
import time

import msgspec

from cellgraph.inside import Progress
from cellgraph_executors.remote.beats import Beat, Beats, child_of, decode, part_of


def test_the_latest_word_is_written_and_not_every_one() -> None:
    written: list[Beat] = []
    first, go_on = threading.Event(), threading.Event()

    def write(data: bytes) -> None:
        beat = decode(data)
        assert beat is not None
        written.append(beat)
        first.set()
        go_on.wait(10)

    beats = Beats(write, every_s=0.0)
    hear = beats.hear(3)
    hear(Progress(0, 100, "begun"))
    assert first.wait(10)
    for done in range(1, 100):
        hear(Progress(done, 100, f"step {done}"))
    go_on.set()
    while len(written) < 2:
        time.sleep(0.001)
    assert beats.end()
    assert written[0] == Beat(3, 0, 100, "begun")
    assert written[1] == Beat(3, 99, 100, "step 99")
    assert len(written) == 2
    hear(Progress(100, 100, "too late"))
    assert len(written) == 2


def test_nobody_said_anything() -> None:
    beats = Beats(lambda data: None)
    beats.hear(0)
    assert not beats.end()


def test_a_bucket_that_does_not_answer_stops_the_words_and_not_the_call() -> None:
    asked = threading.Event()

    def write(data: bytes) -> None:
        asked.set()
        raise OSError("no route")

    beats = Beats(write, every_s=0.0)
    hear = beats.hear(0)
    hear(Progress(1, 2, ""))
    assert asked.wait(10)
    hear(Progress(2, 2, ""))
    assert beats.end()


def test_only_what_a_worker_writes_is_shown() -> None:
    pack = msgspec.msgpack.encode
    assert decode(pack(Beat(0, 1, 2, "x"))) == Beat(0, 1, 2, "x")
    wrong = [
        b"",
        b"\xff",
        pack([1, 2]),
        pack(Beat(0, -1, 2, "x")),
        pack(Beat(0, float("nan"), 2, "x")),
        pack(Beat(0, 1, 2, "x\x1b[2J")),
        pack(Beat(0, 1, 2, "x" * 201)),
        pack(Beat(0, 1, 2, "x" * 5000)),
    ]
    assert [decode(data) for data in wrong] == [None] * len(wrong)
    assert child_of(part_of(12)) == 12
    assert [child_of(name) for name in ("12", "x.beat", "012.beat", "-1.beat", "1234567.beat")] == [
        -1
    ] * 5


def test_in_words() -> None:
    said = [
        (3, 12, "chromosome 3"),
        (3, 12, ""),
        (3, 0, ""),
        (3, 0, "warm"),
        (3, 12, "3 of 12 done"),
    ]
    assert [Beat(0, *one).words() for one in said] == [
        "3 of 12, chromosome 3", "3 of 12", "3", "3, warm", "3 of 12 done",
    ]  # fmt: skip
