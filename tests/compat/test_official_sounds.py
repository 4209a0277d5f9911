"""Category: compatibility. The official `telnyx` package, unmodified, lets real calls hear speech and files, and asks
them for digits; what it uploads comes back."""

import base64
import io
import json
import math
import struct
import wave
from collections.abc import AsyncIterator
from typing import Any

import pytest
import telnyx
from aiohttp import web
from telnyx import Telnyx
from tests.compat.desk import JANE, JOHN, Desk, code_of, opened

from offhook import Ear
from offhook.voice.event import (
    About,
    DtmfReceived,
    Event,
    GatherEnded,
    PlaybackEnded,
    PlaybackStarted,
    SpeakEnded,
    SpeakStarted,
    payload,
)
from offhook.voice.leg import LegIds, Party

HZ = 1300.0


def tone(hz: float = HZ, seconds: float = 1.0) -> bytes:
    """A WAV file with a tone."""
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(16_000)
        count = int(16_000 * seconds)
        samples = (int(12_000 * math.sin(2 * math.pi * hz * at / 16_000)) for at in range(count))
        made.writeframes(struct.pack(f"<{count}h", *samples))
    return file.getvalue()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with opened() as found:
        yield found


@pytest.fixture
async def files() -> AsyncIterator[str]:
    """The URL of a server that has `tone.wav` and little else."""

    async def give(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name == "tone.wav":
            return web.Response(body=tone(), content_type="audio/x-wav")
        return web.Response(status=404 if name == "gone" else 500)

    app = web.Application()
    app.router.add_get("/{name}", give)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def speaks(heard: Any) -> bool:
    """Sound that is no single tone."""
    return heard.level > -40 and heard.share < 0.7


async def test_what_a_backend_says_and_plays_is_heard(desk: Desk, files: str) -> None:
    async with desk.phone(JOHN) as john:
        await john.ready()
        call = await desk.answered(john)
        ear = Ear()
        call.attach(ear)
        actions, leg = desk.api.calls.actions, call.ids.call_control
        said = await actions.speak(
            leg, payload="Hello, this is a prompt.", voice="AWS.Polly.Joanna", client_state="YQ=="
        )
        assert said.data is not None
        assert said.data.result == "ok"
        await ear.hears(speaks)
        await actions.start_playback(leg, audio_url=f"{files}/tone.wav", stop="all", loop=2)
        await ear.hears_tone(HZ)
        await ear.hears(lambda heard: heard.is_silence())
        await actions.start_playback(leg, playback_content=base64.b64encode(tone(900.0)).decode(), loop="infinity")
        await ear.hears_tone(900.0)
        await actions.stop_playback(leg, stop="current")
        await ear.hears(lambda heard: heard.is_silence())
        ssml = "<speak>One <break time='300ms'/> <say-as interpret-as='digits'>23</say-as></speak>"
        await actions.speak(leg, payload=ssml, payload_type="ssml", voice="male", language="en-GB")
        await ear.hears(speaks)
        with pytest.raises(telnyx.UnprocessableEntityError) as error:
            await actions.stop_playback(leg, overlay=True)
        assert code_of(error) == (422, "10027")
        await call.hangup()


async def test_a_bridged_call_hears_it_on_the_leg_that_is_meant(desk: Desk, files: str) -> None:
    async with desk.phone(JOHN) as john, desk.phone(JANE) as jane:
        await john.ready()
        await jane.ready()
        caller, agent = await desk.answered(john), await desk.agent(jane)
        actions, leg = desk.api.calls.actions, caller.ids.call_control
        await actions.bridge(leg, call_control_id_to_bridge_with=agent.ids.call_control)
        ears = Ear(), Ear()
        caller.attach(ears[0])
        agent.attach(ears[1])
        await ears[1].hears_tone(440)
        await actions.start_playback(leg, audio_url=f"{files}/tone.wav", target_legs="opposite", loop="infinity")
        await ears[1].hears_tone(HZ)
        await ears[0].hears_tone(880)
        await actions.stop_playback(leg)
        await ears[1].hears_tone(440)
        await caller.hangup()


async def test_digits_are_gathered_in_each_of_the_three_ways(desk: Desk, files: str) -> None:
    async with desk.phone(JOHN) as john:
        await john.ready()
        call = await desk.answered(john)
        ear = Ear()
        call.attach(ear)
        actions, leg = desk.api.calls.actions, call.ids.call_control
        await actions.gather(leg, maximum_digits=1, gather_id="mine", valid_digits="123")
        await call.send_dtmf("2")
        with pytest.raises(telnyx.UnprocessableEntityError) as error:
            await actions.stop_gather(leg)
        assert code_of(error) == (422, "10027")
        await actions.gather_using_audio(leg, audio_url=f"{files}/tone.wav", maximum_digits=4, maximum_tries=2)
        await ear.hears_tone(HZ)
        await actions.stop_gather(leg)
        await actions.gather_using_speak(leg, payload="Press one, please.", voice="female", invalid_payload="No.")
        await ear.hears(speaks)
        await actions.stop_gather(leg)
        await call.hangup()


@pytest.mark.parametrize("action", ["speak", "start_playback", "stop_playback", "gather", "gather_using_speak"])
async def test_a_call_that_is_not_answered_hears_nothing(desk: Desk, action: str) -> None:
    said = {"payload": "Hello.", "voice": "female"}
    body: dict[str, Any] = {"speak": said, "gather_using_speak": said, "start_playback": {"media_name": "a"}}
    async with desk.phone(JOHN) as john:
        await john.ready()
        call = await john.new_call("+12025550199")
        await call.wait_for("early")
        with pytest.raises(telnyx.UnprocessableEntityError) as error:
            await getattr(desk.api.calls.actions, action)(call.ids.call_control, **body.get(action, {}))
        assert code_of(error) == (422, "90034")
        await call.hangup()


async def test_media_are_uploaded_by_url_listed_changed_downloaded_played_and_deleted(desk: Desk, files: str) -> None:
    media = desk.api.media
    made = (await media.upload(media_url=f"{files}/tone.wav", media_name="menu tone.wav", ttl_secs=3600)).data
    assert made is not None
    assert (made.media_name, made.content_type) == ("menu tone.wav", "audio/wav")
    assert (await media.retrieve("menu tone.wav")).data == made
    assert await (await media.download("menu tone.wav")).read() == tone()
    await media.upload(media_url=f"{files}/tone.wav")
    listed = (await media.list()).data or []
    assert len(listed) == 2
    assert len((await media.list(filter={"content_type": ["audio/wav"]})).data or []) == 2
    assert (await media.list(filter={"content_type": ["audio/mpeg"]})).data == []
    changed = (await media.update("menu tone.wav", ttl_secs=60)).data
    assert changed is not None
    assert changed.expires_at < made.expires_at  # pyright: ignore[reportOperatorIssue]
    async with desk.phone(JOHN) as john:
        await john.ready()
        call = await desk.answered(john)
        ear = Ear()
        call.attach(ear)
        await desk.api.calls.actions.start_playback(call.ids.call_control, media_name="menu tone.wav")
        await ear.hears_tone(HZ)
        await call.hangup()
    assert await media.delete("menu tone.wav") is None
    for again in (media.retrieve, media.delete, media.download):
        with pytest.raises(telnyx.NotFoundError) as error:
            await again("menu tone.wav")
        assert code_of(error) == (404, "10005")


async def test_media_that_cannot_be_fetched_are_refused(desk: Desk, files: str) -> None:
    for name in ("gone", "broken"):
        with pytest.raises(telnyx.BadRequestError) as error:
            await desk.api.media.upload(media_url=f"{files}/{name}", media_name="x")
        assert code_of(error) == (400, "90040")
    with pytest.raises(telnyx.BadRequestError) as error:
        await desk.api.media.upload(media_url="http://169.254.169.254/latest", media_name="x")
    assert code_of(error) == (400, "90040")


async def test_a_file_is_uploaded_as_a_form(desk: Desk) -> None:
    """As the API's own examples do it: the package has no parameter for the file itself."""
    made: Any = await desk.api.post(
        "/media",
        cast_to=object,
        body={"media_name": "mine", "ttl_secs": 60},
        files={"media": ("tone.wav", tone(), "audio/wav")},
        options={"headers": {"Content-Type": "multipart/form-data"}},
    )
    assert made["data"]["media_name"] == "mine"
    assert await (await desk.api.media.download("mine")).read() == tone()
    with pytest.raises(telnyx.UnprocessableEntityError) as error:
        await desk.api.post(
            "/media",
            cast_to=object,
            body={"media_name": "mine"},
            files={"media": ("tone.wav", tone(), "audio/wav")},
            options={"headers": {"Content-Type": "multipart/form-data"}},
        )
    assert code_of(error) == (422, "10012")


ABOUT = About(
    LegIds("v3:leg", "session", "leg"), Party("a", "account", "1", "a"), "+1", "+2", "", "outgoing", 0.0, "YQ=="
)


@pytest.mark.parametrize(
    "event",
    [
        SpeakStarted(ABOUT, 0.0, "0123456789"),
        SpeakEnded(ABOUT, 0.0, "0123456789", "completed"),
        PlaybackStarted(ABOUT, 0.0, "http://a/", None, True),
        PlaybackEnded(ABOUT, 0.0, None, "menu", False, "file_not_found", "it is not there"),
        GatherEnded(ABOUT, 0.0, "id", "12", "valid"),
        DtmfReceived(ABOUT, 0.0, "5"),
    ],
    ids=lambda event: event.type,
)
def test_the_package_knows_the_events_by_their_class(event: Event) -> None:
    fields = payload(event, "sip.test")
    body = {"event_type": event.type, "id": "1", "occurred_at": "2026-01-01T00:00:00Z", "record_type": "event"}
    read: Any = Telnyx(api_key="none").webhooks.unsafe_unwrap(json.dumps({"data": body | {"payload": fields}}))
    words = "".join(part.title() for part in event.type.split("."))
    assert type(read).__name__ == f"{words}WebhookEvent"
    known = type(read.data.payload).model_fields.keys()
    assert known <= {name.replace("from", "from_") if name == "from" else name for name in fields}
