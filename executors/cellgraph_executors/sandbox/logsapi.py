"""The reading side of CloudWatch Logs for the log groups of jobs; other groups are moto's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cellgraph_executors.sandbox.logstreams import LogEvent, LogStream, LogStreams
from cellgraph_executors.sandbox.wire import Handler, NotOurs, Request, ServiceError

_EVENTS: Final = 10_000
_STREAMS: Final = 50


class Logs:
    """Handlers by action."""

    def __init__(self, groups: Mapping[str, LogStreams]) -> None:
        self._groups = groups

    def handlers(self) -> Mapping[str, Handler]:
        """Actions of the API."""
        return {
            "GetLogEvents": self._get,
            "FilterLogEvents": self._filter,
            "DescribeLogStreams": self._describe,
        }

    def _group(self, said: Mapping[str, Any]) -> LogStreams:
        name = said.get("logGroupName") or said.get("logGroupIdentifier", "")
        group = self._groups.get(str(name).rpartition("log-group:")[2])
        if group is None:
            raise NotOurs
        return group

    def _stream(self, group: LogStreams, name: str) -> LogStream:
        found = group.find(name)
        if found is None:
            raise ServiceError(
                "ResourceNotFoundException", "The specified log stream does not exist."
            )
        return found

    def _get(self, request: Request) -> Mapping[str, Any]:
        said = request.parameters
        stream = self._stream(self._group(said), said["logStreamName"])
        limit = min(_EVENTS, int(said.get("limit") or _EVENTS))
        kind, at = _token(said.get("nextToken", ""))
        forward = kind == "f" or (not kind and bool(said.get("startFromHead")))
        start = at if forward else stream.tail_offset(at if kind else None)
        events, places = stream.read(start)
        if not forward and kind:
            count = sum(1 for place in places if place <= at)
            events, places = events[:count], places[:count]
        if forward:
            events, places = events[:limit], places[:limit]
        else:
            skipped = max(0, len(events) - limit)
            start = places[skipped - 1] if skipped else start
            events, places = events[skipped:], places[skipped:]
        end = places[-1] if places else start
        return {
            "events": [_shown(event) for event in events if _within(event, said)],
            "nextForwardToken": f"f/{end}",
            "nextBackwardToken": f"b/{start}",
        }

    def _filter(self, request: Request) -> Mapping[str, Any]:
        said = request.parameters
        group = self._group(said)
        accepts = _pattern(said.get("filterPattern", ""))
        limit = min(_EVENTS, int(said.get("limit") or _EVENTS))
        streams = self._named(group, said)
        at, _, offset = str(said.get("nextToken") or "0/0").partition("/")
        number, place = int(at), int(offset or 0)
        found: list[dict[str, Any]] = []
        while number < len(streams) and len(found) < limit:
            stream = streams[number]
            events, places = stream.read(place)
            if not events:
                number, place = number + 1, 0
                continue
            for event, behind in zip(events, places, strict=True):
                place = behind
                if _within(event, said) and accepts(event.text):
                    found.append({**_shown(event), "logStreamName": stream.name})
                    if len(found) == limit:
                        break
        more = {"nextToken": f"{number}/{place}"} if number < len(streams) else {}
        return {"events": found, **more}

    def _named(self, group: LogStreams, said: Mapping[str, Any]) -> Sequence[LogStream]:
        if said.get("logStreamNames"):
            return [self._stream(group, name) for name in said["logStreamNames"]]
        prefix = said.get("logStreamNamePrefix", "")
        return [stream for stream in group.all() if stream.name.startswith(prefix)]

    def _describe(self, request: Request) -> Mapping[str, Any]:
        said = request.parameters
        streams = list(self._named(self._group(said), said))
        if said.get("orderBy") == "LastEventTime":
            streams.sort(key=lambda stream: stream.last_ms, reverse=bool(said.get("descending")))
        else:
            streams.sort(key=lambda stream: stream.name, reverse=bool(said.get("descending")))
        start = int(said.get("nextToken") or 0)
        end = start + min(_STREAMS, int(said.get("limit") or _STREAMS))
        more = {"nextToken": str(end)} if end < len(streams) else {}
        return {"logStreams": [_described(stream) for stream in streams[start:end]], **more}


def _described(stream: LogStream) -> Mapping[str, Any]:
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "firstEventTimestamp": stream.created_ms,
        "lastEventTimestamp": stream.last_ms,
        "lastIngestionTime": stream.last_ms,
    }


def _shown(event: LogEvent) -> dict[str, Any]:
    return {"timestamp": event.time_ms, "message": event.text, "ingestionTime": event.time_ms}


def _within(event: LogEvent, said: Mapping[str, Any]) -> bool:
    after: bool = event.time_ms >= said.get("startTime", 0)
    return after and ("endTime" not in said or event.time_ms < said["endTime"])


def _token(said: str) -> tuple[str, int]:
    kind, _, place = said.partition("/")
    if said and (kind not in {"f", "b"} or not place.isdecimal()):
        raise ServiceError("InvalidParameterException", "The specified nextToken is invalid.")
    return kind, int(place or 0)


def _pattern(said: str) -> Callable[[str], bool]:
    """Words that must all be there; the sandbox knows no other pattern."""
    if any(sign in said for sign in "{}[]?%"):
        raise ServiceError(
            "InvalidParameterException", "the sandbox filters by plain words, which must all occur"
        )
    words = [word.strip('"') for word in said.split()]
    return lambda text: all(word in text for word in words)
