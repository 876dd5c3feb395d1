"""The contract of every executor, on Glue."""

from typing import Any, ClassVar

import pytest
from tests.executors.support.remote_lab import RemoteContract

from cellgraph.executor import Executor
from cellgraph_executors.glue.executor import GlueExecutor

pytestmark = [pytest.mark.aws, pytest.mark.sandboxed, pytest.mark.slow, pytest.mark.timeout(900)]


class TestGlueExecutor(RemoteContract):
    many: ClassVar[int] = 8

    @pytest.fixture
    def executor(self, box: Any) -> Executor:
        return GlueExecutor(**box.glue, poll_s=0.2)
