"""Category: compatibility. The official `telnyx` package, dials scripted numbers and learns who answered."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import telnyx
from telnyx import AsyncTelnyx
from tests.compat.desk import code_of

from endpoint import Endpoint, says
from offhook.cli.numbers import answered, listed
from offhook.client.pstn import NUMBERS
from offhook.edge.server import Platform, start_dev

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
FROM = "+12025550101"
NUMBER = {each.name: each.number for each in NUMBERS}
EVENTS = {
    "call.machine.detection.ended": "CallMachineDetectionEndedWebhookEvent",
    "call.machine.greeting.ended": "CallMachineGreetingEndedWebhookEvent",
    "call.machine.premium.detection.started": "CallMachinePremiumDetectionStartedWebhookEvent",
    "call.machine.premium.detection.ended": "CallMachinePremiumDetectionEndedWebhookEvent",
    "call.machine.premium.greeting.ended": "CallMachinePremiumGreetingEndedWebhookEvent",
}


class Backend:
    """A program on the official package, with an address for its webhooks."""

    def __init__(self, platform: Platform, api: AsyncTelnyx, endpoint: Endpoint) -> None:
        self.connection = platform.env["OFFHOOK_CONNECTION_ID"]
        self.api = api
        self.endpoint = endpoint

    async def dial(self, name: str, **body: Any) -> str:
        made = await self.api.calls.dial(
            connection_id=self.connection, to=NUMBER.get(name, name), from_=FROM, webhook_url=self.endpoint.url, **body
        )
        assert made.data is not None
        return made.data.call_control_id or ""

    async def told(self, last: str) -> list[Any]:
        """The webhooks that have come, as the package reads them, once one of this type has."""
        count = 0
        while True:
            count += 1
            webhooks = await self.endpoint.after(count)
            if json.loads(webhooks[count - 1][1])["data"]["event_type"] == last:
                return [self.api.webhooks.unwrap(body.decode(), headers=headers) for headers, body in webhooks[:count]]


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    endpoint = await Endpoint().start()
    endpoint.answer = says(NO_CONTENT)
    platform = await start_dev(numbers=listed(NUMBERS))
    env = platform.env
    keys = {
        "api_key": env["TELNYX_API_KEY"],
        "public_key": env["TELNYX_PUBLIC_KEY"],
        "base_url": env["TELNYX_BASE_URL"],
    }
    try:
        async with answered(env["OFFHOOK_WS_URL"], platform.pstn.password, NUMBERS), AsyncTelnyx(**keys) as api:
            yield Backend(platform, api, endpoint)
    finally:
        await platform.stop()
        await endpoint.stop()


async def test_the_events_of_detection_are_of_the_packages_classes(backend: Backend) -> None:
    quick: Any = {"greeting_duration_millis": 1_000}
    mode, state = "greeting_end", "bWluZQ=="
    leg = await backend.dial(
        "tone", answering_machine_detection=mode, answering_machine_detection_config=quick, client_state=state
    )
    told = await backend.told("call.machine.greeting.ended")
    found = {each.data.event_type: each for each in told}
    await backend.api.calls.actions.hangup(leg)
    await backend.dial("tone", answering_machine_detection="premium")
    found |= {each.data.event_type: each for each in await backend.told("call.machine.premium.greeting.ended")}
    wanted = EVENTS.keys() - {"call.machine.premium.detection.ended"}  # the beep says it all
    assert found.keys() >= wanted
    for name in wanted:
        assert type(found[name]).__name__ == EVENTS[name]
    ended = found["call.machine.detection.ended"].data.payload
    assert (ended.result, ended.client_state, ended.call_control_id) == ("machine", state, leg)
    assert found["call.machine.greeting.ended"].data.payload.result == "beep_detected"
    answered_by = found["call.answered"].data.payload.to_dict()
    assert answered_by["calling_party_type"] == "pstn"


async def test_a_person_is_told_by_the_premium_mode_and_a_transfer_detects_too(backend: Backend) -> None:
    leg = await backend.dial("person", answering_machine_detection="premium")
    told = await backend.told("call.machine.premium.detection.ended")
    assert type(told[-1]).__name__ == EVENTS["call.machine.premium.detection.ended"]
    assert told[-1].data.payload.result == "human_residence"
    await backend.api.calls.actions.transfer(
        leg, to=NUMBER["tone"], answering_machine_detection="detect", webhook_url=backend.endpoint.url
    )
    told = await backend.told("call.machine.detection.ended")
    assert told[-1].data.payload.result == "machine"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"answering_machine_detection": "guess"}, 422, "10032"),
        ({"answering_machine_detection": "premium_ios_call_screening_detection"}, 422, "10027"),
        ({"answering_machine_detection_config": {"initial_silence_millis": 0}}, 422, "10033"),
        ({"answering_machine_detection_config": {"beep_detection_profile": "neither"}}, 422, "10032"),
        ({"to": "911"}, 422, "90911"),
    ],
)
async def test_what_cannot_be_detected_or_dialled_is_refused(
    backend: Backend, body: dict[str, Any], status: int, code: str
) -> None:
    number = body.pop("to", "tone")
    with pytest.raises(telnyx.APIStatusError) as error:
        await backend.dial(number, **body)
    assert code_of(error) == (status, code)
    await asyncio.sleep(0)
    assert not backend.endpoint.requests
