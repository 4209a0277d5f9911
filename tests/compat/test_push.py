"""Category: compatibility. An app that sleeps: its phone is offered a push by a plug-in that is installed, with what
the official `telnyx` package has stored for it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import telnyx
from tests.compat.desk import JANE, JOHN, Desk, code_of, opened
from tests.compat.scene import installed

from offhook import Client
from offhook.engine.pushing import GROUP, Push

TOKEN = "the-token-of-a-phone"
ANDROID: Any = {"type": "android", "alias": "Mine", "project_account_json_file": {"private_key": "its secret"}}
OFFERED: asyncio.Queue[Push] = asyncio.Queue()


class Plugin:
    """Notes what it is offered."""

    async def push(self, push: Push) -> None:
        OFFERED.put_nowait(push)


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[None]:
    sys.path.append(installed(tmp_path, GROUP, f"{__name__}:{Plugin.__name__}"))
    yield
    sys.path.remove(str(tmp_path))


@pytest.fixture
async def desk(plugin: None) -> AsyncIterator[Desk]:
    async with opened() as made:
        yield made


async def asked(websocket: aiohttp.ClientWebSocketResponse, method: str, **params: Any) -> None:
    """A request and its result; what the server asks meanwhile stays unanswered."""
    await websocket.send_json({"jsonrpc": "2.0", "id": method, "method": method, "params": params})
    while (frame := await websocket.receive_json()).get("id") != method:
        pass
    assert "error" not in frame, frame


async def credential(desk: Desk) -> str:
    made = (await desk.api.mobile_push_credentials.create(create_mobile_push_credential_request=ANDROID)).data
    assert made is not None
    return made.id or ""


async def janes(desk: Desk) -> str:
    """Her connection."""
    found = [each.id async for each in desk.api.credential_connections.list() if each.user_name == JANE.login]
    return found[0] or ""


async def test_who_sleeps_is_offered_a_push_until_she_wants_none(desk: Desk) -> None:
    await desk.api.credential_connections.update(await janes(desk), android_push_credential_id=await credential(desk))
    variables = {"push_device_token": TOKEN, "push_notification_provider": "android", "anything": [1]}
    login = {"login": JANE.login, "passwd": JANE.password, "userVariables": variables}
    await desk.api.credential_connections.update(desk.connection, outbound={"call_parking_enabled": None})
    async with aiohttp.ClientSession() as http, desk.phone(JOHN) as john:
        await john.ready()
        async with http.ws_connect(desk.platform.env["OFFHOOK_WS_URL"]) as jane:
            await asked(jane, "login", **login)
        await call_in_vain(desk, john)
        push = await OFFERED.get()
        assert (push.device.token, push.device.provider, push.username) == (TOKEN, "android", JANE.login)
        assert push.credential["project_account_json_file"] == {"private_key": "its secret"}
        assert push.caller_number == "+12025550101"
        async with http.ws_connect(desk.platform.env["OFFHOOK_WS_URL"]) as jane:
            await asked(jane, "login", **login)
            agent = {"push_device_token": TOKEN, "push_notification_provider": "android"}
            await asked(jane, "telnyx_rtc.disable_push_notification", user=JANE.login, **{"User-Agent": agent})
        await call_in_vain(desk, john)
        assert OFFERED.empty()


async def call_in_vain(desk: Desk, john: Client) -> None:
    """He calls her, whose socket is gone: the call ends as such calls do."""
    actions, connection = desk.api.credential_connections.actions, await janes(desk)
    # The platform takes notice of the end of a socket when it does: there is nothing to wait on.
    while (await actions.check_registration_status(connection)).data.status == "Registered":  # pyright: ignore  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    call = await john.new_call(JANE.login, caller_number="+12025550101")
    assert (await call.ended()).cause == "USER_NOT_REGISTERED"


async def test_a_connection_names_its_own_credentials_of_the_right_kind_only(desk: Desk) -> None:
    connection, id = await janes(desk), await credential(desk)
    wrong: list[Any] = [
        {"ios_push_credential_id": id},
        {"android_push_credential_id": id[:-1] + ("0" if id[-1] != "0" else "1")},
        {"android_push_credential_id": "none"},
    ]
    for fields in wrong:
        with pytest.raises(telnyx.APIStatusError) as error:
            await desk.api.credential_connections.update(connection, **fields)
        assert code_of(error)[1] == "10017"


async def test_a_credential_that_a_connection_names_stays(desk: Desk) -> None:
    connection, id = await janes(desk), await credential(desk)
    await desk.api.credential_connections.update(connection, android_push_credential_id=id)
    with pytest.raises(telnyx.UnprocessableEntityError) as error:
        await desk.api.mobile_push_credentials.delete(id)
    assert code_of(error) == (422, "10021")
    await desk.api.credential_connections.update(connection, android_push_credential_id=None)
    await desk.api.mobile_push_credentials.delete(id)


async def test_a_push_says_what_the_phone_would_show_once(desk: Desk) -> None:
    """Of a client that says booleans as text and no environment, and disables without naming its provider."""
    connections = desk.api.credential_connections
    await connections.update(await janes(desk), android_push_credential_id=await credential(desk))
    said = {
        "push_device_token": TOKEN, "push_notification_provider": "android",
        "push_notification_environment": None, "push_when_active": "true",
    }  # fmt: skip
    to = f"sip:{JANE.login}@sip.telnyx.com"
    call: dict[str, Any] = {"connection_id": desk.connection, "from_": "+12025550101", "from_display_name": "John"}
    async with aiohttp.ClientSession() as http, http.ws_connect(desk.platform.env["OFFHOOK_WS_URL"]) as jane:
        await asked(jane, "login", login=JANE.login, passwd=JANE.password, userVariables=said)
        made = (await desk.api.calls.dial(to=[to, JANE.login + "@sip.telnyx.com"], **call)).data
        async with asyncio.timeout(10):
            push = await OFFERED.get()
        assert made is not None
        assert push.ids.call_control_id == made.call_control_id
        assert (push.caller_number, push.caller_name) == ("+12025550101", "John")
        await asked(jane, "telnyx_rtc.disable_push_notification", **{"User-Agent": {"push_device_token": TOKEN}})
        await desk.api.calls.dial(to=to, **call)
    assert OFFERED.empty()


async def test_a_push_shows_the_number_that_the_callers_connection_shows(desk: Desk) -> None:
    connections = desk.api.credential_connections
    await connections.update(await janes(desk), android_push_credential_id=await credential(desk))
    await connections.update(desk.connection, outbound={"call_parking_enabled": None, "ani_override": "+12025550177"})
    said = {"push_device_token": TOKEN, "push_notification_provider": "android"}
    async with aiohttp.ClientSession() as http, desk.phone(JOHN) as john:
        await john.ready()
        async with http.ws_connect(desk.platform.env["OFFHOOK_WS_URL"]) as jane:
            await asked(jane, "login", login=JANE.login, passwd=JANE.password, userVariables=said)
        await call_in_vain(desk, john)
        assert (await OFFERED.get()).caller_number == "+12025550177"
