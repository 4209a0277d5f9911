"""Category: faults. A platform is asked what its description allows, and more, with live calls behind ids (API-01).

Every answer is one that the description has, down to its error codes, and none is a 5xx. `make soak` asks more.
"""

from benches.endurance.description import explored

EXAMPLES = 3


async def test_a_platform_answers_as_its_description_says() -> None:
    found = await explored(EXAMPLES, seed=1)
    assert found.broken == {}
    assert not [status for status in found.statuses if status >= 500]
    # What is asked of real things is mostly done: the answers are not all refusals.
    assert len(found.done) > 80
    assert "POST /v2/calls" in found.done
