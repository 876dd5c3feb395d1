"""What calls find in AWS Glue: its own packages, and those that come along. Pure."""

import re
from collections.abc import Mapping
from typing import Final

from cellgraph.executor import Surroundings
from cellgraph_executors.glue.pins import GIVEN
from cellgraph_executors.glue.settings import GlueSettings

# By AWS's guide ("Migrating to AWS Glue 5.x"): which Spark a version is. A run says what it has.
_SPARK: Final[Mapping[str, str]] = {"5.0": "3.5.4", "5.1": "3.5.6"}


def surroundings(settings: GlueSettings, extra: Mapping[str, object]) -> Surroundings:
    """Where a call with these *settings* runs. *extra*: what its task says."""
    asked = asked_for(settings)
    brought = ", ".join(sorted({*settings.additional_python_modules, *settings.extra_py_files}))
    return Surroundings(
        f"AWS Glue {settings.glue_version}{f' with {brought}' if brought else ''}",
        own=GIVEN | asked if settings.pin_packages else None,
        documented={"pyspark": _SPARK[settings.glue_version]},
        options={**{k: v for k, v in extra.items() if k != "choices"}, "workers": 2},
    )


def asked_for(settings: GlueSettings) -> frozenset[str]:
    """The packages that the settings ask for, and so not in the versions of here."""
    return frozenset(_name(said) for said in settings.additional_python_modules)


def _name(requirement: str) -> str:
    """The package of ``name==1.0``, or of the path of a wheel."""
    last = requirement.rpartition("/")[2] if "://" in requirement else requirement
    name = last.partition("-")[0] if last.endswith(".whl") else re.split(r"[^\w.-]", last)[0]
    return re.sub(r"[-_.]+", "-", name).lower()
