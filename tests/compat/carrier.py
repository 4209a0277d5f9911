"""The carrier that brings calls from outside: Debian's baresip over UDP with G.711, and what it hears."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
from phones import tone_file
from tests.compat.baresip import Baresip, started

from backend_process import free_port
from offhook import Ear
from offhook.client.audio import Frame
from platform_process import Platform

CALLER, CARRIER_HZ = "+442079460000", 600.0
RATE = 8000
SECONDS = 60.0  # after which baresip hangs up: its file is over
WAV_HEADER = 44
CONFIG = """\
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
sip_listen {address}
net_interface 127.0.0.1
audio_source aufile,{source}
audio_player aubridge,nowhere
audio_alert aubridge,nowhere
snd_path {folder}
"""


class Carrier:
    """Dials numbers with a tone of its own; `ear` has what it hears."""

    def __init__(self, phone: Baresip, domain: str) -> None:
        self.ear = Ear()
        self._phone = phone
        self._domain = domain

    async def dial(self, number: str) -> None:
        """Call, and wait for the answer."""
        self._phone.order("dial", f"sip:{number}@{self._domain}")
        await self._phone.saw("CALL_ESTABLISHED")

    def press(self, digit: str) -> None:
        """Press a key, as an RFC 4733 event."""
        self._phone.order("sndcode", digit)

    async def hung_up(self) -> None:
        """Wait until the other side has hung up."""
        await self._phone.saw("CALL_CLOSED")

    async def listen(self, folder: Path) -> None:
        """Read what it records of what it hears, as it is written."""
        while not (found := _recordings(folder)):  # noqa: ASYNC110 -- a file of another process
            await asyncio.sleep(0.02)
        with found[0].open("rb") as file:
            file.seek(WAV_HEADER)
            while True:
                self.ear.write(Frame(file.read(), RATE))
                await asyncio.sleep(0.05)


def _recordings(folder: Path) -> list[Path]:
    return list(folder.glob("dump-*-dec.wav"))


@contextlib.asynccontextmanager
async def carrier(platform: Platform, folder: Path) -> AsyncGenerator[Carrier, None]:
    """A carrier of the platform's owner, known by its address; on this machine that is its port as well."""
    address = f"127.0.0.1:{free_port()}"
    account = (
        f"<sip:{CALLER}@127.0.0.1;transport=udp>;regint=0;audio_codecs=pcmu/8000/1"
        f';outbound="sip:{platform.env["OFFHOOK_SIP_ADDRESS"]};transport=udp"'
    )
    source = tone_file(folder / "tone.wav", CARRIER_HZ, SECONDS, RATE)
    config = CONFIG.format(address=address, source=source, folder=folder)
    async with _known(platform, address), started(folder, config, account) as phone:
        made = Carrier(phone, platform.env["OFFHOOK_SIP_DOMAIN"])
        listening = asyncio.create_task(made.listen(folder))
        yield made
        listening.cancel()


@contextlib.asynccontextmanager
async def _known(platform: Platform, address: str) -> AsyncGenerator[None, None]:
    """The owner lets calls from this address in as those of a carrier."""
    url = platform.env["OFFHOOK_CONSOLE_URL"] + "_offhook/carriers"
    headers = {"Authorization": f"Bearer {platform.api_key}"}
    body = {"name": "Outside", "gateways": [f"sip:{address}"], "sources": ["127.0.0.1"]}
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.post(url, json=body) as response:
            assert response.status == 201, await response.text()
            made = (await response.json())["data"]["id"]
        yield
        async with http.delete(f"{url}/{made}") as response:
            response.raise_for_status()
