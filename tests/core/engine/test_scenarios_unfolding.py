"""Whoever looks is told what waits for what, once it is known: calls that came of lazy values."""

from tests.core.engine.support.engine_lab import Lab, Notebook, listening

from cellgraph.events import CallsAdded, CallsLinked

TASKS = """
@cg.task
def items(n):
    return list(range(n))

@cg.task
def fit(x):
    return x + 1

@cg.task
def join(a, b):
    return a + b

@cg.task
def total(xs, n=0):
    return sum(xs) + n

@cg.task
def whole(n):
    return total(fit.map(items(n)))
"""


def edges(lab: Lab, nb: Notebook, call: str) -> tuple[object, set[tuple[str, str]], set[str]]:
    """The value, which tasks wait for which in the end, and which calls have a parent."""
    nb.run(TASKS)
    with lab.session() as session, listening(session) as events:
        value = session.evaluate(nb.value(call))
    added = [one for event in events if type(event) is CallsAdded for one in event.calls]
    upstream = {one.call: one.upstream for one in added}
    for event in events:
        if type(event) is CallsLinked:
            upstream.update(event.calls)
    name = {one.call: one.task.rpartition(".")[2] for one in added}
    flow = {(name[source], name[call]) for call, ups in upstream.items() for source in ups}
    return value, flow, {name[one.call] for one in added if one.parent >= 0}


def test_a_map_over_what_a_call_returns(lab: Lab, nb: Notebook) -> None:
    value, flow, inside = edges(lab, nb, "total(fit.map(items(3)))")
    assert value == 6
    assert flow == {("items", "fit"), ("fit", "total")}
    assert inside == set()


def test_a_map_over_a_map_and_other_consumers(lab: Lab, nb: Notebook) -> None:
    call = "[total(fit.map(fit.map(items(2))), items(2)[1]), join(items(2), [4])]"
    value, flow, _ = edges(lab, nb, call)
    assert value == [6, [0, 1, 4]]
    assert flow == {
        ("items", "fit"),
        ("fit", "fit"),
        ("fit", "total"),
        ("items", "total"),
        ("items", "join"),
    }


def test_a_map_in_a_container_and_over_nothing(lab: Lab, nb: Notebook) -> None:
    value, flow, _ = edges(lab, nb, "[total(fit.map(items(0))), fit.map(items(2))]")
    assert value == [0, [1, 2]]
    assert flow == {("items", "total"), ("items", "fit")}


def test_a_map_that_a_body_returned(lab: Lab, nb: Notebook) -> None:
    value, flow, inside = edges(lab, nb, "join(whole(3), whole(3))")
    assert value == 12
    assert flow == {("whole", "join"), ("items", "fit"), ("fit", "total")}
    assert inside == {"items", "fit", "total"}


def test_a_choice_waits_for_what_it_chose(lab: Lab, nb: Notebook) -> None:
    call = "total([cg.cond(items(2)[1] == 1, fit(5), join(1, 1))])"
    value, flow, _ = edges(lab, nb, call)
    assert value == 6
    assert ("fit", "total") in flow and ("join", "total") not in flow
