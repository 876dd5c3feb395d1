"""Which versions of packages a call is named by, where it runs elsewhere; nothing is sent here."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import pytest

from cellgraph.described import Described, describe, describe_text, packages_here
from cellgraph.errors import ConfigError, Undescribed
from cellgraph.stores.memory import MemoryStore
from cellgraph.surroundings import Asker, Places, PlacesOfRun, entry_of, on_record

HERE = {name: version(name) for name in ("numpy", "pandas", "msgspec")}
NUMPY = [("numpy", HERE["numpy"])]
IMAGE = "image lab:1"


class Table:
    """A store, and what sessions with some executors know through it."""

    def __init__(self, **sections: Mapping[str, Any]) -> None:
        self.store = MemoryStore()
        self.places = Places(sections, "thread")

    def record(self, name: str, at: float, **packages: str) -> None:
        text = Described("3.11.7", "x86_64-linux", packages).text()
        self.store.append([entry_of(name, text, at)])

    def releases(
        self, named: list[tuple[str, str]], executor: str = "batch", asks: bool = True, **extra: Any
    ) -> Mapping[str, str] | None:
        run = PlacesOfRun(self.places, self.store, asks=asks, run="fit()")
        return run.releases("fit", executor, extra, named, script=False)


@pytest.fixture
def table() -> Table:
    return Table(batch={"image": "lab:1"}, glue={}, locked={"type": "batch", **LOCKED})


LOCKED = {"image": "python:3.11-slim", "environment": "lock"}


def test_what_is_not_on_record_is_asked_for(table: Table) -> None:
    assert table.releases([]) == {}
    assert table.releases(NUMPY, asks=False) == {}
    asker = Asker(table.places, table.store, lambda: 7.0)
    asker.check("fit()")
    with pytest.raises(Undescribed, match="fit names the package numpy"):
        table.releases(NUMPY)
    with pytest.raises(Undescribed, match=IMAGE) as caught:
        asker.check("fit()")
    asker.check("another run()")
    wanted, call = asker.call(caught.value.place)
    assert (wanted.executor, wanted.place.name) == ("batch", IMAGE)
    assert call._task.name == f"describe {IMAGE}"
    asker.answered(wanted, describe_text())
    asker.check("fit()")
    assert on_record(table.store, IMAGE) == (describe(), 7.0)
    assert table.releases(NUMPY) == {}


def test_only_other_versions_are_told_and_the_newest_record_counts(table: Table) -> None:
    table.record(IMAGE, 1.0, numpy="1.0", pandas=HERE["pandas"])
    named = [*NUMPY, ("pandas", HERE["pandas"]), ("a_loose_module", "file-0123")]
    assert table.releases(named) == {"numpy": "1.0"}
    table.record(IMAGE, 2.0, numpy="2.0", pandas="0.1")
    assert table.releases(named) == {"numpy": "2.0", "pandas": "0.1"}
    table.record("image other:1", 3.0, numpy="3.0", pandas="3.0")
    assert table.releases(named, image="other:1") == {"numpy": "3.0", "pandas": "3.0"}
    laid = {"containerProperties": {"image": "other:1"}}
    assert table.releases(NUMPY, job_definition=laid) == {"numpy": "3.0"}


def test_a_missing_package_is_an_error_once_somebody_has_looked(table: Table) -> None:
    """A record may be older than the package there."""
    table.record(IMAGE, 1.0, pandas="1.0")
    with pytest.raises(Undescribed):
        table.releases(NUMPY)
    asker = Asker(table.places, table.store)
    wanted, call = asker.call(IMAGE)
    assert call._args == (1.0,)  # another call than the one whose answer that was
    asker.answered(wanted, Described("3.11.7", "x86_64-linux", {}).text())
    with pytest.raises(ConfigError, match=f"fit names the package numpy, and {IMAGE} has none"):
        table.releases(NUMPY)


def test_glue_has_spark_of_its_own_and_takes_the_rest_along(table: Table) -> None:
    assert table.releases(NUMPY, "glue") == {}
    if "pyspark" in packages_here():
        assert table.releases([("pyspark", "3.5.4")], "glue") == {}  # as is documented
        with pytest.raises(Undescribed, match=r"AWS Glue 5\.1"):
            table.releases([("pyspark", "3.5.4")], "glue", glue_version="5.1")
    with pytest.raises(Undescribed, match=r"AWS Glue 5\.0"):
        table.releases(NUMPY, "glue", pin_packages=False)


def test_a_locked_image_is_made_before_anything_runs_there(table: Table) -> None:
    told = r"python:3\.11-slim with lock .* has to be made"
    with pytest.raises(Undescribed, match=told) as caught:
        table.releases([], "locked")
    asker = Asker(table.places, table.store)
    asker.answered(asker.call(caught.value.place)[0], describe_text())
    assert table.releases(NUMPY, "locked") == {}


def test_calls_of_this_machine_have_no_surroundings(table: Table) -> None:
    assert table.releases(NUMPY, "thread") is None
    assert table.releases(NUMPY, "nobody") is None  # said when a call is handed to it
    assert table.places.elsewhere
    assert not Places({"process": {}}, "thread").elsewhere


def test_described_is_what_identities_name() -> None:
    found = describe().packages
    assert {name: found[name] for name in HERE} == HERE
