"""What becomes of a job whose attempt has failed: the documented rules of `retryStrategy`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cellgraph_executors.sandbox.batch import limits
from cellgraph_executors.sandbox.wire import client_error

_TEXT: Final = re.compile(r"[A-Za-z0-9.:\s]*\*?")
_DIGITS: Final = re.compile(r"[0-9]*\*?")


@dataclass(frozen=True, slots=True)
class Rule:
    """One of `evaluateOnExit`: all of its patterns must match. An empty one is not asked for."""

    status_reason: str
    reason: str
    exit_code: str
    retry: bool

    def matches(self, status_reason: str, reason: str, exit_code: int | None) -> bool:
        """Whether an attempt ended as this rule says."""
        code = None if exit_code is None else str(exit_code)
        return (
            _matches(self.status_reason, status_reason)
            and _matches(self.reason, reason)
            and _matches(self.exit_code, code)
        )


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a job may start, and which endings are final."""

    attempts: int = 1
    rules: tuple[Rule, ...] = ()

    def again(self, tried: int, status_reason: str, reason: str, exit_code: int | None) -> bool:
        """Whether a job that failed in its attempt number *tried* (from 1) starts once more.

        The first rule that matches decides; without one, the job is retried.
        """
        if tried >= self.attempts:
            return False
        for rule in self.rules:
            if rule.matches(status_reason, reason, exit_code):
                return rule.retry
        return True


def read_retry(said: Mapping[str, Any]) -> Retry:
    """Check a `retryStrategy`. Raises ServiceError."""
    rules: list[Mapping[str, Any]] = said.get("evaluateOnExit", [])
    if rules and "attempts" not in said:
        raise client_error("retryStrategy: evaluateOnExit needs attempts")
    attempts: int = said.get("attempts", 1)
    if attempts not in limits.ATTEMPTS:
        raise client_error(f"retryStrategy.attempts must be between 1 and 10: {attempts}")
    if len(rules) > limits.EVALUATE_ON_EXIT:
        raise client_error(f"evaluateOnExit must hold at most {limits.EVALUATE_ON_EXIT} rules")
    return Retry(attempts, tuple(_rule(rule) for rule in rules))


def _rule(said: Mapping[str, Any]) -> Rule:
    action = str(said["action"]).upper()
    if action not in {"RETRY", "EXIT"}:
        raise client_error(f"evaluateOnExit.action must be RETRY or EXIT: {said['action']}")
    for name, allowed in (("onStatusReason", _TEXT), ("onReason", _TEXT), ("onExitCode", _DIGITS)):
        pattern = str(said.get(name, ""))
        if len(pattern) > limits.PATTERN_CHARACTERS or not allowed.fullmatch(pattern):
            raise client_error(
                f"evaluateOnExit.{name} may hold up to {limits.PATTERN_CHARACTERS} letters, "
                f"numbers, periods, colons and spaces, and a * at its end: {pattern!r}"
            )
    return Rule(
        said.get("onStatusReason", ""),
        said.get("onReason", ""),
        said.get("onExitCode", ""),
        action == "RETRY",
    )


def _matches(pattern: str, text: str | None) -> bool:
    if not pattern:
        return True
    if text is None:
        return False
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return text == pattern
