"""The `spark` executor keeps the contract of every executor, Spark asked for or not."""

import pytest

from cellgraph.errors import ConfigError
from cellgraph.executor import Executor
from cellgraph.testing.executor_contract import ExecutorContract
from cellgraph_executors.spark.choices import checked_choices
from cellgraph_executors.spark.executor import SparkExecutor


class TestSparkContract(ExecutorContract):
    """None of these calls asks for the session, so no Java is started."""

    many = 500

    @pytest.fixture
    def executor(self) -> Executor:
        return SparkExecutor(workers=2)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cores": 0}, "cores=0: expected a whole number"),
        ({"memory_gib": -1}, "memory_gib=-1: expected more than 0"),
        ({"core": 2}, "no setting 'core'.*'cores'"),
    ],
)
def test_bad_settings(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        SparkExecutor(**settings)  # type: ignore[arg-type]  # what people do


def test_options_of_glue_are_taken_and_others_are_not() -> None:
    executor = SparkExecutor()
    executor.check_options({"worker_type": "G.1X", "workers": 4, "choices": {"x": "make_cols"}})
    with pytest.raises(ConfigError, match=r"no option 'worker_typ'.*'worker_type'"):
        executor.check_options({"worker_typ": "G.1X"})
    with pytest.raises(ConfigError, match=r"choices=.*expected one as in"):
        executor.check_options({"choices": {"x": "cast double"}})
    executor.close()


@pytest.mark.parametrize(
    "action", ["cast:double", "cast:decimal(10, 2)", "project:string", "make_cols", "make_struct"]
)
def test_choices_that_glue_takes(action: str) -> None:
    assert checked_choices({"a.b": action}) == {"a.b": action}
