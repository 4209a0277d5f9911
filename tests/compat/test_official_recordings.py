"""Category: compatibility. The official `telnyx` package, unmodified, has real calls recorded: what was said and heard
is in the file, in its channel and at its time."""

import base64
import io
from collections.abc import AsyncIterator
from itertools import groupby
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import soundfile
import telnyx
from numpy.typing import NDArray
from telnyx import Telnyx
from tests.compat.desk import JANE, JOHN, Desk, code_of, opened
from tests.compat.scene import staged
from tests.compat.test_official_sounds import tone
from tests.endpoint import Endpoint

from offhook import Tone

Sound = NDArray[np.float64]
RATE = 16_000
NO_ID = "00000000-0000-4000-8000-000000000000"


class Hearing:
    """A backend that hears of events, by their type."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._seen = 0
        self.events: list[Any] = []

    async def of(self, kind: str) -> Any:
        """The next event of this type, in the official package's class."""
        while True:
            for _, body in (await self._endpoint.after(self._seen + 1))[self._seen :]:
                self._seen += 1
                event = Telnyx(api_key="unused").webhooks.unsafe_unwrap(body.decode())
                self.events.append(event)
                if event.data is not None and event.data.event_type == kind:
                    return event


@pytest.fixture
async def hearing() -> AsyncIterator[Hearing]:
    endpoint = await Endpoint().start()
    yield Hearing(endpoint)
    await endpoint.stop()


@pytest.fixture
async def desk(hearing: Hearing) -> AsyncIterator[Desk]:
    async with opened(webhook_url=hearing._endpoint.url) as found:  # pyright: ignore[reportPrivateUsage]
        yield found


async def downloaded(url: str) -> tuple[int, bytes]:
    """What a link gives, without a key."""
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        return response.status, await response.read()


def channels(content: bytes) -> list[Sound]:
    pcm, rate = soundfile.read(io.BytesIO(content), always_2d=True)
    assert rate == RATE
    return list(pcm.T)


def pitch(sound: Sound, second: float, of: float = 0.2) -> int:
    """The strongest frequency of a stretch, to 5 Hz; 0 for silence."""
    part = sound[int(second * RATE) : int((second + of) * RATE)]
    if np.sqrt(np.mean(part**2)) < 0.003:
        return 0
    return int(np.argmax(np.abs(np.fft.rfft(part))) / of)


def strength(sound: Sound, second: float, hz: int, of: float = 0.2) -> float:
    """How strong one frequency is in a stretch."""
    return float(np.abs(np.fft.rfft(sound[int(second * RATE) : int((second + of) * RATE)]))[int(hz * of)])


def pitches(sound: Sound) -> list[int]:
    """The strongest frequencies in their order, as far as they lasted for half a second: on a busy machine the phones
    may falter."""
    found = [pitch(sound, at / 5) for at in range(int(len(sound) / RATE * 5))]
    lasting = [hz for hz, run in groupby(found) if len(list(run)) >= 3]
    return [hz for hz, _ in groupby(lasting)]


async def test_both_sides_of_a_bridge_are_in_their_channels_at_their_time(desk: Desk, hearing: Hearing) -> None:
    async with desk.phone(JOHN) as john, desk.phone(JANE) as jane:
        await john.ready()
        await jane.ready()
        call = await desk.answered(john, 440.0)
        await desk.agent(jane)
        actions, leg = desk.api.calls.actions, call.ids.call_control
        legs = [each.call_control_id async for each in desk.api.connections.list_active_calls(desk.connection)]
        other = next(each for each in legs if each != leg)
        await actions.bridge(leg, call_control_id_to_bridge_with=other)
        await hearing.of("call.bridged")
        started = await actions.start_recording(
            leg, channels="dual", format="wav", play_beep=True, client_state="YQ==", custom_file_name="Größe 1"
        )
        assert started.data is not None
        assert started.data.result == "ok"
        await heard(actions, other, hearing, 1300.0)
        await actions.pause_recording(leg)
        await heard(actions, other, hearing, 1300.0)
        await actions.resume_recording(leg)
        await heard(actions, leg, hearing, 1700.0)
        await actions.stop_recording(leg, client_state="Yg==")
        saved = await hearing.of("call.recording.saved")
        await call.hangup()
    assert type(saved).__name__ == "CallRecordingSavedWebhookEvent"
    told = saved.data.payload
    assert (told.channels, told.client_state, told.call_leg_id) == ("dual", "Yg==", call.ids.leg)
    assert told.public_recording_urls.wav is None
    status, content = await downloaded(told.recording_urls.wav)
    assert status == 200
    near, far = channels(content)
    length = (told.recording_ended_at - told.recording_started_at).total_seconds()
    assert abs(len(near) / RATE - length) < 0.03
    assert pitches(near) == [440, 0, 440]
    assert [hz for hz in pitches(far) if hz in (0, 1700)] == [0, 1700]
    assert pitches(far)[0] == 880
    assert strength(far, 0.1, 1400) > 20 * strength(far, 0.6, 1400)


async def heard(actions: Any, leg: str, hearing: Hearing, hz: float) -> None:
    """A second of a tone has been played to the leg."""
    content = base64.b64encode(tone(hz)).decode()
    await actions.start_playback(leg, playback_content=content)
    await hearing.of("call.playback.ended")


async def test_a_recording_from_the_answer_on_ends_with_its_call_and_can_be_deleted(
    desk: Desk, hearing: Hearing
) -> None:
    recordings = desk.api.recordings
    async with desk.phone(JOHN) as john:
        await john.ready()
        call = await john.new_call("+12025550199", audio=Tone(440.0))
        await call.wait_for("early")
        leg = call.ids.call_control
        with pytest.raises(telnyx.UnprocessableEntityError) as error:
            await desk.api.calls.actions.start_recording(leg, channels="dual", format="mp3")
        assert code_of(error) == (422, "90034")
        answered = await desk.api.calls.actions.answer(leg, record="record-from-answer", record_channels="single")
        await call.answered()
        await heard(desk.api.calls.actions, leg, hearing, 1300.0)
        assert [each async for each in recordings.list()] == []
        await call.hangup()
    assert answered.data is not None
    id = answered.data.recording_id or ""
    saved = (await hearing.of("call.recording.saved")).data.payload
    assert (saved.recording_id, saved.format) == (id, "mp3")
    (listed,) = [each async for each in recordings.list(filter={"call_leg_id": call.ids.leg or "", "from": "x"})] or [
        each async for each in recordings.list(filter={"call_leg_id": call.ids.leg or ""})
    ]
    shown = (await recordings.retrieve(id)).data
    assert shown is not None
    assert shown.id == listed.id == id
    assert (shown.status, shown.source, shown.channels) == ("completed", "call", "single")
    assert shown.download_urls is not None
    assert shown.download_urls.wav is None
    status, content = await downloaded(shown.download_urls.mp3 or "")
    assert status == 200
    (mixed,) = channels(content)
    assert abs(len(mixed) / RATE * 1000 - (shown.duration_millis or 0)) < 150
    assert 1300 in pitches(mixed)
    assert max(strength(mixed, at / 10, 440) for at in range(int(len(mixed) / RATE * 10) - 2)) > 10
    await refused_links(shown.download_urls.mp3 or "")
    assert (await recordings.delete(id)).data is not None
    assert (await downloaded(shown.download_urls.mp3 or ""))[0] == 404
    with pytest.raises(telnyx.NotFoundError):
        await recordings.retrieve(id)
    with pytest.raises(telnyx.NotFoundError):
        await recordings.delete(id)
    with pytest.raises(telnyx.NotFoundError):
        await recordings.actions.delete(ids=[id])


async def refused_links(link: str) -> None:
    """STO-06: nobody makes a link of his own, prolongs one or turns one to another file. One range at a time."""
    bare, _, query = link.partition("?")
    for other in (
        bare,
        f"{bare}?{query[:-1]}",
        f"{bare}?{query.replace('expires=', 'expires=9')}",
        f"{bare.rpartition('/')[0]}/{NO_ID}.mp3?{query}",
        f"{bare.rpartition('/')[0]}/..%2f..%2fetc%2fpasswd?{query}",
    ):
        assert (await downloaded(other))[0] == 403, other
    async with aiohttp.ClientSession() as http:
        ranges = "bytes=" + ",".join(["0-"] * 1000)
        async with http.get(link, headers={"Range": ranges}) as response:
            assert response.status == 416
        async with http.get(link, headers={"Range": "bytes=0-99"}) as response:
            assert (response.status, len(await response.read())) == (206, 100)
        async with http.head(link) as response:
            assert response.status == 200


async def test_several_are_deleted_at_once_or_none(desk: Desk, hearing: Hearing) -> None:
    ids: list[str] = []
    async with desk.phone(JOHN) as john:
        await john.ready()
        call = await desk.answered(john)
        leg, actions = call.ids.call_control, desk.api.calls.actions
        for _ in range(2):
            started = await actions.start_recording(leg, channels="single", format="wav", max_length=1)
            ids.append(started.data.recording_id)  # pyright: ignore -- told beyond the official types
        saved = [(await hearing.of("call.recording.saved")).data.payload for _ in ids]
        assert {each.recording_id for each in saved} == set(ids)
        assert all(abs((e.recording_ended_at - e.recording_started_at).total_seconds() - 1) < 0.01 for e in saved)
        for action in (actions.stop_recording, actions.pause_recording, actions.resume_recording):
            with pytest.raises(telnyx.UnprocessableEntityError) as error:
                await action(leg, recording_id=ids[0])
            assert code_of(error) == (422, "10027")
        await call.hangup()
    with pytest.raises(telnyx.NotFoundError):
        await desk.api.recordings.actions.delete(ids=[*ids, NO_ID])
    assert len([each async for each in desk.api.recordings.list()]) == 2
    assert (await desk.api.recordings.actions.delete(ids=ids)).status == "ok"
    assert [each async for each in desk.api.recordings.list()] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"channels": "quad"}, "10032"),
        ({"format": "ogg"}, "10032"),
        ({"max_length": 14401}, "10033"),
        ({"custom_file_name": "../../etc/passwd"}, "10015"),
        ({"custom_file_name": "x" * 41}, "10033"),
        ({"recording_track": "left"}, "10032"),
        ({"transcription": True}, "10027"),
    ],
)
async def test_what_cannot_be_recorded_is_refused(desk: Desk, body: dict[str, Any], code: str) -> None:
    with pytest.raises(telnyx.APIStatusError) as error:
        await desk.api.calls.actions.start_recording("v3:unknown", **({"channels": "dual", "format": "wav"} | body))
    assert error.value.body["errors"][0]["code"] == code  # pyright: ignore


async def test_what_was_said_in_a_recording_is_written_down_and_charged(tmp_path: Path) -> None:
    async with staged(tmp_path) as scene:
        await scene.set("answered")
        api, actions, leg = scene.api, scene.actions, scene.leg
        said: Any = {"transcription": True, "transcription_language": "de"}
        await actions.start_recording(leg, channels="dual", format="mp3", **said)
        await scene.gathered(actions.gather(leg, maximum_digits=1))
        await scene.heard("CallGatherEnded")
        await actions.stop_recording(leg)
        await scene.heard("CallRecordingSaved", "CallRecordingTranscriptionSaved")
        [recording] = [each async for each in api.recordings.list()]
        texts = api.recording_transcriptions
        found: Any = await texts.list(filter={"recording_id": recording.id or ""})
        [text] = found.data
        assert (text.status, text.record_type, text.recording_id) == (
            "completed", "recording_transcription", recording.id,
        )  # fmt: skip
        # What the engine understands is how many clips of 20 ms there were.
        heard = [f"in de, {count} clips" for count in range(10, text.duration_millis // 20 + 1, 10)]
        assert text.transcription_text == " ".join(heard)
        assert (await texts.retrieve(text.id)).data == text
        assert (await texts.delete(text.id)).data == text
        with pytest.raises(telnyx.NotFoundError) as error:
            await texts.retrieve(text.id)
        assert code_of(error) == (404, "10005")
        with pytest.raises(telnyx.BadRequestError) as error:
            await texts.list(filter={"created_at": {"gte": "yesterday"}})
        assert code_of(error) == (400, "10015")
        await scene.clear()
        kind: Any = {"record_type": "stt"}
        assert len([each async for each in api.detail_records.list(filter=kind)]) == 1
