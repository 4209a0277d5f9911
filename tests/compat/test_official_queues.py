"""Category: compatibility. The official `telnyx` package, unmodified, with queues and real calls that wait in them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import telnyx
from tests.compat.desk import JANE, JOHN, Desk, code_of, opened

from offhook import Ear
from offhook.voice.event import About, CallDequeued, CallEnqueued, Event, payload
from offhook.voice.leg import LegIds, Party


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with opened() as found:
        yield found


async def test_a_queue_is_made_listed_changed_and_deleted(desk: Desk) -> None:
    queues = desk.api.queues
    made = (await queues.create(queue_name="team a/b")).data
    assert made is not None
    assert (made.name, made.max_size, made.current_size, made.average_wait_time_secs) == ("team a/b", 300, 0, 0)
    assert made.record_type == "queue"
    assert made.created_at.endswith("Z")
    assert (await queues.retrieve("team a/b")).data == made
    assert (await queues.retrieve(made.id)).data == made
    changed = (await queues.update("team a/b", max_size=2)).data
    assert changed is not None
    assert (changed.id, changed.max_size) == (made.id, 2)
    for number in range(4):
        await queues.create(queue_name=f"q{number}", max_size=number + 1)
    assert [each.name async for each in queues.list(page_size=2)] == ["team a/b", "q0", "q1", "q2", "q3"]
    assert await queues.delete("team a/b") is None
    with pytest.raises(telnyx.NotFoundError) as error:
        await queues.retrieve("team a/b")
    assert code_of(error) == (404, "10005")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"queue_name": ""}, "10033"),
        ({"queue_name": "x" * 256}, "10033"),
        ({"queue_name": "ok", "max_size": 0}, "10033"),
        ({"queue_name": "ok", "max_size": "many"}, "10026"),
        ({"queue_name": "taken"}, "10012"),
    ],
)
async def test_what_is_wrong_with_a_new_queue_is_said(desk: Desk, body: dict[str, Any], code: str) -> None:
    await desk.api.queues.create(queue_name="taken")
    with pytest.raises(telnyx.UnprocessableEntityError) as error:
        await desk.api.queues.create(**body)
    assert code_of(error) == (422, code)


async def test_operations_on_queues_that_are_not_there_answer_404(desk: Desk) -> None:
    queues = desk.api.queues
    for operation in (
        queues.retrieve("none"),
        queues.update("none", max_size=3),
        queues.delete("none"),
        queues.calls.list("none"),
        queues.calls.retrieve("v3:none", queue_name="none"),
        queues.calls.update("v3:none", queue_name="none", keep_after_hangup=True),
        queues.calls.remove("v3:none", queue_name="none"),
    ):
        with pytest.raises(telnyx.NotFoundError) as error:
            await operation
        assert code_of(error) == (404, "10005")


async def test_calls_wait_are_listed_and_leave_to_be_parked(desk: Desk) -> None:
    api = desk.api
    async with desk.phone(JOHN) as john:
        await john.ready()
        first, second = await desk.waiting(john), await desk.waiting(john)
        listed = [each async for each in api.queues.calls.list("support", page_size=1)]
        assert [each.call_control_id for each in listed] == [first.ids.call_control, second.ids.call_control]
        assert [each.queue_position for each in listed] == [1, 2]
        one = (await api.queues.calls.retrieve(second.ids.call_control, queue_name="support")).data
        assert one is not None
        assert (one.call_leg_id, one.call_session_id) == (second.ids.leg, second.ids.session)
        assert (one.connection_id, one.record_type, one.is_alive) == (desk.connection, "queue_call", True)
        assert (one.to, one.queue_position) == ("+12025550199", 2)
        queue = (await api.queues.retrieve("support")).data
        assert queue is not None
        assert (queue.current_size, queue.max_size, one.queue_id) == (2, 100, queue.id)
        with pytest.raises(telnyx.BadRequestError) as error:
            await api.queues.delete("support")
        assert code_of(error) == (400, "90050")
        with pytest.raises(telnyx.UnprocessableEntityError) as error:
            await api.calls.actions.enqueue(first.ids.call_control, queue_name="sales")
        assert code_of(error) == (422, "90038")
        await api.calls.actions.leave_queue(first.ids.call_control)
        with pytest.raises(telnyx.UnprocessableEntityError) as error:
            await api.calls.actions.leave_queue(first.ids.call_control)
        assert code_of(error) == (422, "90035")
        with pytest.raises(telnyx.UnprocessableEntityError) as error:
            await api.calls.actions.enqueue(first.ids.call_control, queue_name="support", max_size=7)
        assert code_of(error) == (422, "90037")
        await api.queues.update("support", max_size=1)
        with pytest.raises(telnyx.UnprocessableEntityError) as error:
            await api.calls.actions.enqueue(first.ids.call_control, queue_name="support")
        assert code_of(error) == (422, "90036")
        await api.queues.calls.update(second.ids.call_control, queue_name="support", keep_after_hangup=True)
        await second.hangup()
        await second.ended()
        kept = [each async for each in api.queues.calls.list("support")]
        assert [(each.call_control_id, each.is_alive) for each in kept] == [(second.ids.call_control, False)]
        assert await api.queues.calls.remove(second.ids.call_control, queue_name="support") is None
        assert [each async for each in api.queues.list()] == []
        assert (await api.calls.retrieve_status(first.ids.call_control)).data.is_alive  # pyright: ignore[reportOptionalMemberAccess]


async def test_an_agent_takes_the_first_call_out_of_the_queue_and_both_hear(desk: Desk) -> None:
    async with desk.phone(JOHN) as john, desk.phone(JANE) as jane:
        await john.ready()
        await jane.ready()
        caller = await desk.waiting(john, max_wait_time_secs=600)
        agent = await desk.agent(jane)
        heard = Ear(), Ear()
        caller.attach(heard[0])
        agent.attach(heard[1])
        await desk.api.calls.actions.bridge(agent.ids.call_control, call_control_id_to_bridge_with="", queue="support")
        await heard[0].hears_tone(880)
        await heard[1].hears_tone(440)
        with pytest.raises(telnyx.UnprocessableEntityError) as error:
            await desk.api.calls.actions.bridge(
                agent.ids.call_control, call_control_id_to_bridge_with="", queue="support"
            )
        assert code_of(error) == (422, "10017")
        await agent.hangup()
        await caller.ended()


async def test_a_queue_that_was_made_survives_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path / "db") as desk:
        made = (await desk.api.queues.create(queue_name="kept", max_size=9)).data
        await desk.api.queues.create(queue_name="deleted")
        await desk.api.queues.delete("deleted")
    async with opened(tmp_path / "db") as desk:
        assert [each async for each in desk.api.queues.list()] == [made]


ABOUT = About(
    LegIds("v3:leg", "session", "leg"), Party("a", "account", "1", "a"), "+1", "+2", "", "outgoing", 0.0, "YQ=="
)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (CallEnqueued(ABOUT, 0.0, "support", 2, 15), "CallEnqueuedWebhookEvent"),
        (CallDequeued(ABOUT, 0.0, "support", 1, "bridged", 30), "CallLeftQueueWebhookEvent"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_package_knows_the_events_of_queues_by_their_class(event: Event, kind: str) -> None:
    body = {"event_type": event.type, "id": "1", "occurred_at": "2026-01-01T00:00:00Z", "record_type": "event"}
    text = json.dumps({"data": body | {"payload": payload(event, "sip.test")}})
    read: Any = telnyx.Telnyx(api_key="none").webhooks.unsafe_unwrap(text)
    assert type(read).__name__ == kind
    assert read.data.payload.queue == "support"
    known = type(read.data.payload).model_fields.keys()
    assert known <= payload(event, "sip.test").keys()
