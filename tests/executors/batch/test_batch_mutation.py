"""Every example of every codec is changed by Batch jobs that receive it: as in
tests/core/test_codec_mutation.py, and with the same outcome as on threads here."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.mutations import Mutations

import cellgraph as cg

pytestmark = pytest.mark.aws

# What is made is one child; what changes it two, so that consumers meet in a process and in two.
IN_A_CHILD = 250


def test_each_consumer_in_a_job_has_its_own(box: Any, opened: Callable[..., Any], uri: str) -> None:
    mutations = Mutations(executor="batch", calls_per_job=IN_A_CHILD)
    outcomes: list[Any] = []
    cold, warm = opened().session, opened().session
    run = cold.submit(mutations.made)
    run.wait()
    assert run.counts.executed == len(mutations.made)
    for session in (cold, warm):
        outcomes.append(mutations.outcome(session))
        mutations.check_stored(session)
        session.close()
    assert box.requests["batch", "SubmitJob"] == 3
    with cg.Session(store=uri) as session:
        here = Mutations(executor="thread").outcome(session)
    assert outcomes == [here, here]
