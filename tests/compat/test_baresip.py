"""Category: compat. Debian's baresip over UDP, TCP and TLS, with each codec, clear and encrypted."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from phones import tone_file
from tests.compat.baresip import Baresip, started

from offhook import Client, Ear, Tone
from offhook import events as told
from offhook.edge.server import Platform, start_dev
from offhook.engine.seed import SEEDED

JOHN, JANE = SEEDED.identities
BARESIP_HZ, PYTHON_HZ = 440.0, 900.0
SECONDS = 30
# Transport, codec, how media is encrypted.
WAYS = [
    ("UDP", "pcmu/8000/1", "none"),
    ("TCP", "pcma/8000/1", "none"),
    ("TLS", "opus/48000/2", "none"),
    ("TLS", "pcmu/8000/1", "srtp"),
]
ENCRYPTIONS = {"none": "", "srtp": ";mediaenc=srtp-mand", "dtls": ";mediaenc=dtls_srtp"}
CONFIG = """\
module g711.so
module g722.so
module opus.so
module aufile.so
module ausine.so
module aubridge.so
module srtp.so
module dtls_srtp.so
module_tmp account.so
sip_listen 127.0.0.1:0
sip_verify_server no
net_interface 127.0.0.1
audio_source {source}
audio_player aubridge,nowhere
audio_alert aubridge,nowhere
"""


@contextlib.asynccontextmanager
async def running(
    platform: Platform, folder: Path, transport: str, codec: str, encryption: str
) -> AsyncGenerator[Baresip, None]:
    name = "OFFHOOK_SIP_TLS_ADDRESS" if transport == "TLS" else "OFFHOOK_SIP_ADDRESS"
    where = f"{platform.env[name]};transport={transport.lower()}"
    account = (
        f"<sip:{JOHN.login}@{platform.env['OFFHOOK_SIP_DOMAIN']};transport={transport.lower()}>;auth_pass={JOHN.password}"
        f';outbound="sip:{where}";regint=600;answermode=auto;audio_codecs={codec}{ENCRYPTIONS[encryption]}'
    )
    rate = int(codec.split("/")[1])
    # Its generator of tones is for 48 kHz alone.
    source = "ausine,440" if rate == 48_000 else f"aufile,{tone_file(folder / 'tone.wav', BARESIP_HZ, rate=rate)}"
    async with started(folder, CONFIG.format(source=source), account) as phone:
        yield phone


async def registered(platform: Platform) -> None:
    """John's phone is there, by the API's word: its own may have been said before anybody listened."""
    headers = {"Authorization": f"Bearer {platform.env['TELNYX_API_KEY']}"}
    async with aiohttp.ClientSession(platform.env["TELNYX_BASE_URL"] + "/", headers=headers) as http:
        async with http.get("credential_connections") as response:
            [john] = [each for each in (await response.json())["data"] if each["user_name"] == JOHN.login]
        status = ""
        while status != "Registered":
            async with http.post(f"credential_connections/{john['id']}/actions/check_registration_status") as response:
                status = (await response.json())["data"]["status"]


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    started = await start_dev()
    yield started
    await started.stop()


@pytest.mark.parametrize(("transport", "codec", "encryption"), WAYS)
async def test_it_calls_and_is_heard(
    platform: Platform, tmp_path: Path, transport: str, codec: str, encryption: str
) -> None:
    async with (
        asyncio.timeout(SECONDS),
        Client(platform.env["OFFHOOK_WS_URL"], login=JANE.login, password=JANE.password) as jane,
        running(platform, tmp_path, transport, codec, encryption) as john,
    ):
        await jane.ready()
        await registered(platform)
        coming = jane.incoming()
        john.order("dial", f"sip:{JANE.login}@{platform.env['OFFHOOK_SIP_DOMAIN']}")
        call = await anext(coming)
        ear = Ear()
        call.attach(ear)
        await call.answer(audio=Tone(PYTHON_HZ))
        await john.saw("CALL_ESTABLISHED")
        await ear.hears_tone(BARESIP_HZ)
        john.order("hangup")
        assert (await call.ended()).cause == "NORMAL_CLEARING"


@pytest.mark.parametrize(("transport", "codec", "encryption"), WAYS)
async def test_it_is_called_and_heard(
    platform: Platform, tmp_path: Path, transport: str, codec: str, encryption: str
) -> None:
    async with (
        asyncio.timeout(SECONDS),
        Client(platform.env["OFFHOOK_WS_URL"], login=JANE.login, password=JANE.password) as jane,
        running(platform, tmp_path, transport, codec, encryption) as john,
    ):
        await jane.ready()
        await registered(platform)
        call = await jane.new_call(
            f"sip:{JOHN.login}@{platform.env['OFFHOOK_SIP_DOMAIN']};secure={encryption}", audio=Tone(PYTHON_HZ)
        )
        ear = Ear()
        call.attach(ear)
        await call.answered()
        await ear.hears_tone(BARESIP_HZ)
        await call.hangup()
        await john.saw("CALL_CLOSED")


async def test_it_holds_presses_keys_and_transfers(platform: Platform, tmp_path: Path) -> None:
    url = platform.env["OFFHOOK_WS_URL"]
    async with (
        asyncio.timeout(2 * SECONDS),
        Client(url, login=JANE.login, password=JANE.password) as jane,
        running(platform, tmp_path, "TCP", "pcmu/8000/1", "none") as baresip,
    ):
        await jane.ready()
        await registered(platform)
        coming, ear = jane.incoming(), Ear()
        baresip.order("dial", f"sip:{JANE.login}@{platform.env['OFFHOOK_SIP_DOMAIN']}")
        call = await anext(coming)
        call.attach(ear)
        await call.answer(audio=Tone(PYTHON_HZ))
        await baresip.saw("CALL_ESTABLISHED")
        await ear.hears_tone(BARESIP_HZ)
        baresip.order("hold")
        await ear.hears(lambda sound: sound.level > -50 and not sound.is_tone(BARESIP_HZ))
        baresip.order("resume")
        await ear.hears_tone(BARESIP_HZ)
        pressed = call.events(told.DigitPressed)
        baresip.order("sndcode", "7")
        assert (await anext(pressed)).digit == "7"
        await call.send_dtmf("5")
        assert (await baresip.saw("CALL_DTMF_START"))["param"] == "5"
        async with Client(url, login=JOHN.login, password=JOHN.password) as john:
            await john.ready()  # the latest: whoever is sent to this username is sent here
            sent = john.incoming()
            baresip.order("transfer", f"sip:{JOHN.login}@{platform.env['OFFHOOK_SIP_DOMAIN']}")
            await (await anext(sent)).answer(audio=Tone(700))
            await baresip.saw("CALL_CLOSED")
            await ear.hears_tone(700)
            await call.hangup()
