"""How a run that is still being taken in hears that it is no longer wanted."""


class Halted(Exception):
    """The work was given up between two steps, because somebody asked for it."""


class Halt:
    """Set by any thread, looked at by the owner thread between the steps of long work.

    A queue would be heard only after the work that it should cut short.
    """

    __slots__ = ("asked",)

    def __init__(self) -> None:
        self.asked = False
