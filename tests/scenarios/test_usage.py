"""Category: scenarios. What a leg uses beside its minutes is noted where it is used, saved, and over with the leg."""

from asyncio import sleep

from tests.scenarios.scene import OK, Scene, play


def used(s: Scene, row: int = 0) -> list[tuple[str, str, float, int]]:
    """The usages of a leg that has ended."""
    close = s.at.shadow.records[row]
    assert all(use.ended_at is not None and use.since_mono is None for use in close.usages)
    return [(use.add_on, use.about, round(use.seconds, 3), use.units) for use in close.usages]


def test_speech_counts_when_it_is_heard_and_what_never_sounded_costs_nothing() -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        await sleep(0.1)
        for text in ("twelve chars", "never heard"):
            assert await s.order(leg, "speak", payload=text, voice="female") == OK
        [use] = s.at.shadow.live[leg].usages
        assert (use.add_on, use.units) == ("tts", 12)
        await s.order(leg, "hangup")
        assert [(kind, units) for kind, _, _, units in used(s)] == [("tts", 12)]

    play(script)


def test_time_in_a_queue_is_one_line_and_stops_where_the_leg_leaves_it() -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        for seconds in (10, 20):
            assert await s.order(leg, "enqueue", queue_name="support") == OK
            await sleep(seconds - 0.1)
            assert await s.order(leg, "leave_queue") == OK
            await sleep(100)
        assert await s.order(leg, "enqueue", queue_name="sales") == OK
        await sleep(4.9)
        s.alice.hang_up()
        await sleep(0.1)
        support, sales = used(s)
        assert (support[:2], sales[:2]) == (("queue", "support"), ("queue", "sales"))
        assert 29.5 < support[2] < 30.5
        assert 4.5 < sales[2] < 5.5

    play(script)
