"""The platform that the demo calls through: `offhook dev` in a process of its own, and its REST interface."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncGenerator
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import aiohttp

from offhook.errors import OffhookError

START_SECONDS = 30
RECORDS_SECONDS = 5


class Identity(NamedTuple):
    """How one phone logs in, and what others dial to reach it."""

    what: str
    address: str
    login: str | None = None
    password: str | None = None
    token: str | None = None


class Platform:
    """A running platform, asked as a customer would."""

    def __init__(self, settings: dict[str, Any], http: aiohttp.ClientSession, started_in: float) -> None:
        self.ws_url: str = settings["OFFHOOK_WS_URL"]
        self.domain: str = settings["OFFHOOK_SIP_DOMAIN"]
        self.sip_address: str = settings["OFFHOOK_SIP_ADDRESS"]
        self.public_key: str = settings["TELNYX_PUBLIC_KEY"]
        self.started_in = started_in
        self._api: str = settings["TELNYX_BASE_URL"]
        self._root: str = settings["OFFHOOK_CONSOLE_URL"].rstrip("/")
        self._key: str = settings["TELNYX_API_KEY"]
        self._http = http

    async def rest(self, method: str, path: str, **options: Any) -> str:
        """One request to the REST interface; OffhookError where it is refused."""
        return await self._ask(method, self._api + path, **options)

    async def owner(self, path: str, **body: Any) -> None:
        """One request to what only the platform's owner does."""
        await self._ask("POST", f"{self._root}/_offhook/{path}", json=body)

    async def _ask(self, method: str, path: str, **options: Any) -> str:
        headers = {"Authorization": f"Bearer {self._key}"}
        async with self._http.request(method, path, headers=headers, **options) as response:
            text = await response.text()
            if response.status >= 300:
                raise OffhookError(f"{method} {path} was answered {response.status}: {text[:300]}")
            return text

    async def connection(self, name: str, password: str) -> tuple[str, Identity]:
        """(id, identity) of a new credential connection."""
        body = {
            "connection_name": name,
            "user_name": name,
            "password": password,
            "sip_uri_calling_preference": "internal",
        }
        data = json.loads(await self.rest("POST", "/credential_connections", json=body))["data"]
        return data["id"], Identity("password", f"{name}@{self.domain}", login=name, password=password)

    async def credential(self, connection: str, name: str) -> tuple[str, Identity]:
        """(id, identity) of a new telephony credential below a connection."""
        body = {"connection_id": connection, "name": name}
        data = json.loads(await self.rest("POST", "/telephony_credentials", json=body))["data"]
        user = data["sip_username"]
        return data["id"], Identity("credential", f"{user}@{self.domain}", login=user, password=data["sip_password"])

    async def token(self, credential: str, parent: Identity) -> Identity:
        """A token of a credential, which is reached as the credential is."""
        text = await self.rest("POST", f"/telephony_credentials/{credential}/token")
        return Identity("token", parent.address, token=text.strip())

    async def follow(self, number: str, url: str) -> str:
        """The id of a new application, whose number has its calls follow the document at `url`."""
        body = {"friendly_name": "The menu", "voice_url": url}
        id = json.loads(await self.rest("POST", "/texml_applications", json=body))["data"]["id"]
        await self.owner("numbers", phone_number=number, connection_id=id)
        return id

    async def sessions(self) -> list[str]:
        """The latest ones, oldest first."""
        async with self._http.get(f"{self._root}/_offhook/sessions") as response:
            return (await response.json())["sessions"]

    async def park(self, connection: str, url: str) -> None:
        """Let what this connection dials be parked, and a backend be told of it."""
        body = {"outbound": {"call_parking_enabled": True}, "webhook_event_url": url, "webhook_api_version": "2"}
        await self.rest("PATCH", f"/credential_connections/{connection}", json=body)

    async def command(self, leg: str, name: str, **body: Any) -> None:
        """Order a leg to do something."""
        await self.rest("POST", f"/calls/{leg}/actions/{name}", json=body)

    async def dial(self, connection: str, to: str, number: str, link_to: str) -> str:
        """The call_control_id of a new leg, in the session of another."""
        body = {"connection_id": connection, "to": f"sip:{to}", "from": number, "link_to": link_to}
        return json.loads(await self.rest("POST", "/calls", json=body))["data"]["call_control_id"]

    async def ladder(self, session: str) -> list[str]:
        """The session's ladder so far; empty before the platform knows it."""
        async with self._http.get(f"{self._root}/_offhook/sessions/{session}/ladder") as response:
            return (await response.text()).splitlines() if response.status == 200 else []

    async def costs(self, session: str, legs: int) -> dict[str, Decimal]:
        """What each leg of an ended session cost, by username; waits until there is a record of each."""
        async with asyncio.timeout(RECORDS_SECONDS):
            while True:
                found = {row["auth_username"]: Decimal(row["cost"]) for row in await self._records("webrtc", session)}
                if len(found) >= legs:
                    return found
                await asyncio.sleep(0.05)  # records are written behind the call; nothing tells when

    async def charges(self, session: str, types: tuple[str, ...]) -> dict[str, Decimal]:
        """What an ended session cost, by the type of record, once there is one of each type."""
        async with asyncio.timeout(RECORDS_SECONDS):
            while True:
                rows = {type: await self._records(type, session) for type in types}
                if all(rows.values()):
                    return {
                        type: sum((Decimal(row["cost"]) for row in found), Decimal()) for type, found in rows.items()
                    }
                await asyncio.sleep(0.05)

    async def _records(self, type: str, session: str) -> list[dict[str, Any]]:
        query = {"filter[record_type]": type, "page[size]": "50"}
        rows: list[dict[str, Any]] = json.loads(await self.rest("GET", "/detail_records", params=query))["data"]
        return [row for row in rows if session in (row.get("telnyx_session_id"), row.get("call_session_id"))]


@contextlib.asynccontextmanager
async def started() -> AsyncGenerator[Platform, None]:
    """A platform on a free port with a database file of its own, while the block runs."""
    with TemporaryDirectory(prefix="offhook-demo-") as folder:
        begin = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "offhook.cli.main", "dev", "--port", "0", "--db", str(Path(folder) / "demo.db"),
            "--json", "--log-level", "warning", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            settings = await _settings(process)
            async with aiohttp.ClientSession() as http:
                yield Platform(settings, http, time.monotonic() - begin)
        finally:
            await _stop(process)


async def _settings(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None  # it was asked for
    async with asyncio.timeout(START_SECONDS):
        line = await process.stdout.readline()
    if not line:
        raise OffhookError("the platform did not start")
    return json.loads(line)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(10):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
