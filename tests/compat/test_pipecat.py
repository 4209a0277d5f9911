"""Category: compatibility. An agent on pipecat's unmodified serializer holds a conversation with a caller."""

import asyncio
import os
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.compat.desk import JOHN, Desk, opened

import compat_env
from document_app import serving
from offhook import Ear, Tone

ROOT = Path(__file__).parents[2]
ANSWER_HZ = 1300.0


@asynccontextmanager
async def agent(desk: Desk) -> AsyncIterator[str]:
    """The URL of the agent, in an environment of its own."""
    paths = {"PYTHONPATH": str(ROOT / "src")}
    bot = ROOT / "tests" / "compat" / "pipecat" / "bot.py"
    process = await asyncio.create_subprocess_exec(
        compat_env.pipecat(), bot, stdout=PIPE, env=os.environ | desk.platform.env | paths
    )
    assert process.stdout is not None
    try:
        yield f"ws://127.0.0.1:{int(await process.stdout.readline())}/"
    finally:
        process.kill()
        await process.wait()


async def test_an_agent_hears_answers_is_interrupted_and_hangs_up() -> None:
    async with opened() as desk, agent(desk) as url, desk.phone(JOHN) as john:
        await john.ready()
        call = await desk.answered(john)
        ear = Ear()
        call.attach(ear)
        await desk.api.calls.actions.start_streaming(
            call.ids.call_control, stream_url=url, stream_bidirectional_mode="rtp"
        )
        await ear.hears_tone(ANSWER_HZ)
        await call.send_dtmf("1")
        await ear.hears(lambda heard: heard.is_silence())
        await call.send_dtmf("2")
        await call.wait_for("destroy")


async def test_an_agent_is_connected_by_a_document() -> None:
    async with opened() as desk, agent(desk) as url, desk.phone(JOHN) as john:
        stream = f"<Stream url='{url}' bidirectionalMode='rtp'/>"
        pages = {"voice": f"<Connect>{stream}</Connect><Say>Goodbye.</Say>"}
        async with serving(desk.platform.env["TELNYX_PUBLIC_KEY"], pages) as app:
            texml: Any = {"webhook_api_version": "texml", "webhook_event_url": app.url}
            await desk.api.credential_connections.update(desk.connection, **texml)
            await john.ready()
            call = await john.new_call("+12025550199", audio=Tone(440))
            ear = Ear()
            call.attach(ear)
            await ear.hears_tone(ANSWER_HZ)
            await call.send_dtmf("2")
            await call.wait_for("destroy")
