"""Log-ins by the thousand, right and wrong, with an honest client beside them."""

import asyncio
import contextlib

import aiohttp

from benches.crowd import CannedAudio, Crowd, FarEnd, Refused, crowd
from benches.endurance.promise import Promise, Run
from benches.platform import Identity, running

AT_ONCE = 32
SPARE_FILES = 4


async def floods(run: Run) -> list[Promise]:
    """Whoever is right gets in and calls, however many are wrong."""
    async with running("--log-level", "error") as platform, crowd(platform.ws_url) as gathered:
        audio = CannedAudio(gathered.core)
        honest, friend = await platform.credentials(2)
        caller = await gathered.join(honest, audio)
        await gathered.join(friend, audio)
        files = platform.files()
        flood = _Flood(gathered, audio, platform.identities, run.many(6_000, least=200))
        made = await flood.beside(caller, f"{friend.login}@{platform.domain}")
        await asyncio.sleep(0.5)  # the last sockets close
        grown = platform.files() - files
        return [
            Promise("no wrong password gets in", flood.wrong_in == 0, f"{flood.refused} refused, {flood.wrong_in} in"),
            Promise(
                "every right password gets in", flood.right_out == 0, f"{flood.right_in} in, {flood.right_out} out"
            ),
            Promise("a client beside it makes its calls", made > 0, f"{made} calls, none failed"),
            Promise("sockets do not stay", grown <= SPARE_FILES, f"{grown:+d} files"),
        ]


class _Flood:
    """Half of them know the password of the second identity, the others guess at the first one's."""

    def __init__(self, gathered: Crowd, audio: CannedAudio, identities: list[Identity], count: int) -> None:
        self.refused = self.wrong_in = self.right_in = self.right_out = 0
        self._gathered = gathered
        self._audio = audio
        self._guessed, self._right = Identity(identities[0].login, "a guess"), identities[1]
        self._left = iter(range(count))

    async def beside(self, caller: FarEnd, destination: str) -> int:
        """Let it come; the calls that `caller` made meanwhile. A call that fails is an error."""
        coming = asyncio.gather(*(self._come() for _ in range(AT_ONCE)))
        made = 0
        while not coming.done():
            await caller.hang_up(await caller.call(destination))
            made += 1
        await coming
        return made

    async def _come(self) -> None:
        for number in self._left:
            await (self._try_right() if number % 2 else self._guess())

    async def _guess(self) -> None:
        try:
            far_end = await self._gathered.enter(self._guessed, self._audio)
        except (Refused, aiohttp.ClientError):
            self.refused += 1
            return
        self.wrong_in += 1
        await far_end.close()

    async def _try_right(self) -> None:
        self.right_out += 1
        with contextlib.suppress(Refused, aiohttp.ClientError):
            far_end = await self._gathered.enter(self._right, self._audio)
            self.right_out, self.right_in = self.right_out - 1, self.right_in + 1
            await far_end.close()
