"""Who waits for room at a service, and when who is tried again."""

from cellgraph_executors.remote.holding import PAUSES_S, Holding


def test_those_of_a_line_wait_in_order_and_other_lines_are_not_held_up() -> None:
    holding: Holding[int] = Holding()
    assert holding.next_due() is None and "a" not in holding
    for line, item in (("a", 1), ("a", 2), ("b", 3)):
        holding.add(line, item)
    assert holding.refused("a", 100.0) == 1
    assert holding.due(100.0) == ["b"]
    assert (holding.first("b"), holding.first("a")) == (3, 1)
    holding.left("b")
    assert "b" not in holding and holding.first("b") is None
    assert holding.next_due() == 100.0 + PAUSES_S[0]
    assert holding.due(100.0 + PAUSES_S[0]) == ["a"]


def test_pauses_grow_until_one_is_taken_or_something_has_ended() -> None:
    holding: Holding[int] = Holding()
    holding.add("a", 1)
    holding.add("a", 2)
    waited: list[float] = []
    for _ in range(len(PAUSES_S) + 2):
        holding.refused("a", 0.0)
        due = holding.next_due()
        assert due is not None
        waited.append(due)
    assert waited == [*PAUSES_S, PAUSES_S[-1], PAUSES_S[-1]]
    holding.room()
    assert holding.due(0.0) == ["a"]
    holding.left("a")
    assert holding.first("a") == 2
    assert holding.refused("a", 0.0) == 1 and holding.next_due() == PAUSES_S[0]
