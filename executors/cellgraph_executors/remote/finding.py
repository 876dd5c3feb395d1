"""What a job finds where it runs: compared with what its calls are named by, and described."""

from cellgraph.described import describe_text, packages_here
from cellgraph.errors import EnvironmentChanged
from cellgraph.identity.code import counted_version
from cellgraph_executors.remote.manifest import Needs


class Found:
    """The environment of a child of a job with *needs*.

    `change` says why its calls must not run here, `described` is what is to be told of it.
    """

    def __init__(self, task: str, needs: Needs, child: int) -> None:
        self.change: EnvironmentChanged | None = None
        self.described = ""
        here = packages_here() if needs.packages else {}
        others = [
            f"{package} {here.get(package, '(missing)')} and not {version}"
            for package, version in needs.packages
            if counted_version(here.get(package, ""), needs.counted) != version
        ]
        if others:
            self.change = EnvironmentChanged(
                f"{task} was not run: {needs.place or 'its environment'} has {', '.join(others)}. "
                "It is described anew: evaluate again, and calls are named by what is there"
            )
        if others or (needs.describe and child == 0):
            self.described = describe_text()
