"""What threads print, when other people put their own streams in place meanwhile."""

import io
import sys
import threading
from collections.abc import Iterator

import pytest

from cellgraph.executor import JobLog
from cellgraph_executors.capture import Capture, Sink


@pytest.fixture
def capture() -> Iterator[Capture]:
    made = Capture()
    yield made
    made.close()


def terminal(patch: pytest.MonkeyPatch) -> io.StringIO:
    """Stand in for `sys.stdout`, in the test itself: pytest does so just before it."""
    stream = io.StringIO()
    patch.setattr(sys, "stdout", stream)
    return stream


def sink_of(capture: Capture, job_id: int | None) -> Sink:
    sink = Sink(lambda: None)
    capture.attach(sink)
    sink.job_id = job_id
    return sink


def test_neighbours_of_one_stream_are_joined(capture: Capture) -> None:
    sink = sink_of(capture, 7)
    print("a", "b")
    print("c", end="")
    print("d", file=sys.stderr)
    print("e")
    assert sink.pending
    assert sink.take(whole=True) == [
        JobLog(7, "stdout", "a b\nc"),
        JobLog(7, "stderr", "d\n"),
        JobLog(7, "stdout", "e\n"),
    ]
    assert not sink.pending
    assert sink.take(whole=True) == []


def test_the_first_text_is_announced_once(capture: Capture) -> None:
    heard: list[int] = []
    sink = Sink(lambda: heard.append(1))
    capture.attach(sink)
    sink.job_id = 1
    print("a")
    print("b")
    assert heard == [1]
    sink.take(whole=True)
    print("c")
    assert heard == [1, 1]


def test_between_calls_and_on_other_threads_text_goes_where_it_went(
    capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = terminal(monkeypatch)
    sink = sink_of(capture, None)
    print("between calls")
    sink.job_id = 1
    thread = threading.Thread(target=print, args=("another thread",))
    thread.start()
    thread.join()
    print("the call")
    assert out.getvalue() == "between calls\nanother thread\n"
    assert sink.take(whole=True) == [JobLog(1, "stdout", "the call\n")]


def test_bytes_and_lines_belong_to_the_call_too(capture: Capture) -> None:
    sink = sink_of(capture, 1)
    sys.stdout.buffer.write("é\n".encode())
    sys.stdout.buffer.flush()
    sys.stdout.writelines(["x\n", "y\n"])
    sys.stdout.flush()
    assert sink.take(whole=True) == [JobLog(1, "stdout", "é\nx\ny\n")]
    with pytest.raises(TypeError, match="must be str"):
        sys.stdout.write(b"no text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] # the point


def test_a_replaced_stream_is_wrapped_at_the_next_call(
    capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = terminal(monkeypatch)
    sink = sink_of(capture, 1)
    other = io.StringIO()
    monkeypatch.setattr(sys, "stdout", other)
    print("not routed: somebody took the stream away")
    assert sys.stdout is not sink.out  # what a worker looks at before each call
    capture.attach(sink)
    print("routed again")
    sink.job_id = None
    print("to the new stream")
    assert other.getvalue() == "not routed: somebody took the stream away\nto the new stream\n"
    assert out.getvalue() == ""
    assert sink.take(whole=True) == [JobLog(1, "stdout", "routed again\n")]


def test_two_captures_share_the_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    out = terminal(monkeypatch)
    one, two = Capture(), Capture()
    first, second = sink_of(one, 1), sink_of(two, 2)  # of one thread: the later one hears
    assert first.out is second.out
    print("heard by the second")
    one.close()
    print("still")
    assert first.take(whole=True) == []
    assert second.take(whole=True) == [JobLog(2, "stdout", "heard by the second\nstill\n")]
    two.close()
    assert sys.stdout is out


def test_a_router_that_somebody_kept_passes_everything_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = terminal(monkeypatch)
    capture = Capture()
    sink = sink_of(capture, 1)
    kept = sys.stdout
    capture.detach(sink)
    capture.close()
    kept.write("through")
    assert kept.isatty() is False
    assert out.getvalue() == "through"


def test_without_streams_there_is_nothing_to_route(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    capture = Capture()
    sink = sink_of(capture, 1)
    assert sink.out is None
    assert sink.err is None
    capture.close()
