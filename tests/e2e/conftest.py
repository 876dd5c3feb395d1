"""What is here is run as a user runs it, with the machine for itself.

A browser waits more than it works: what is seen in one may run beside other tests, unless it
holds a rate.
"""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder as `alone`, those in a browser apart."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("browser") is None:
            item.add_marker(pytest.mark.alone)
