"""How many results are stored, by task identity: read once for a cell or a table."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellgraph.session import Session


class Results:
    """Counts over the runs that the store knows now; read when first asked."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._shares: dict[str, tuple[int, float]] | None = None

    def of(self, task_id: bytes) -> tuple[int, float]:
        """How many calls were computed under a task identity, and the seconds they took in all."""
        if self._shares is None:
            self._shares = self._count()
        return self._shares.get(task_id.hex(), (0, 0.0))

    def _count(self) -> dict[str, tuple[int, float]]:
        shares: dict[str, tuple[int, float]] = {}
        for run in self._session.run_summaries():
            for share in run.tasks:
                count, seconds = shares.get(share.id, (0, 0.0))
                shares[share.id] = (count + share.executed, seconds + share.seconds)
        return shares
