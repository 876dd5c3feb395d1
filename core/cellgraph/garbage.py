"""Python's collector while a graph of many live nodes is held."""

import gc


class Garbage:
    """Python's collector: a graph of many live nodes makes full collections slow, up to a second
    in which no thread runs, and they find nothing."""

    def __init__(self) -> None:
        self._usual = gc.get_threshold()

    def put_off(self) -> None:
        """No full collection from now on."""
        gc.set_threshold(10_000, 20, 1000)

    def as_usual(self) -> None:
        """Collect as before."""
        gc.set_threshold(*self._usual)
