"""Category: faults. A platform is asked what its description allows, and more, with live calls behind ids (API-01).

Every answer is one that the description has, down to its error codes, and none is a 5xx. `make soak` asks more.
"""

from typing import Any

from benches.endurance.description import explored

EXAMPLES = 3
REAL = 80


async def test_a_platform_answers_as_its_description_says() -> None:
    found = await explored(EXAMPLES, seed=1)
    assert found.broken == {}
    assert not [status for status in found.statuses if status >= 500]
    # The ids are those of real things: most operations do something, and are not only refused.
    assert len(found.done) > REAL
    acts = {f"POST /v2/{path}" for path in ("calls/{id}/actions/answer", "conferences/{id}/actions/mute")}
    assert acts | {"POST /v2/calls"} <= found.done


def wrong(described: dict[str, Any]) -> dict[str, Any]:
    """A description with a mistake of each kind: a code, a type, a shape, a status."""
    queue, queues = described["paths"]["/v2/queues/{name}"], described["paths"]["/v2/queues"]
    queue["post"]["responses"]["422"]["x-error-codes"] = []
    queue["get"]["responses"]["404"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    queues["get"]["responses"]["200"]["content"]["application/json"]["schema"] = {"required": ["nothing"]}
    del queues["post"]["responses"]["200"]
    return described


async def test_a_description_that_is_wrong_is_found_out() -> None:
    found = await explored(20, 1, "/v2/queues", wrong)
    shown = {"GET /v2/queues", "POST /v2/queues", "GET /v2/queues/{name}", "POST /v2/queues/{name}"}
    assert found.broken.keys() == shown
