"""The contract of every executor, on Batch."""

from typing import Any, ClassVar

import pytest
from tests.executors.support.remote_lab import RemoteContract

from cellgraph.executor import Executor
from cellgraph_executors.batch.executor import BatchExecutor

pytestmark = [pytest.mark.aws, pytest.mark.slow, pytest.mark.timeout(900)]


class TestBatchExecutor(RemoteContract):
    many: ClassVar[int] = 12

    @pytest.fixture
    def executor(self, box: Any) -> Executor:
        return BatchExecutor(**box.batch, window_s=0.2, poll_s=0.2)
