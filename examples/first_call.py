"""Call somebody, play a tone, tell what comes back.

Start the platform with `offhook dev`, log another phone in, then: python first_call.py DESTINATION
"""

import asyncio
import os
import sys

from offhook import CallEnded, Client, Ear, Tone


async def main(destination: str) -> None:
    url, login, password = (os.environ[name] for name in ("OFFHOOK_WS_URL", "OFFHOOK_LOGIN", "OFFHOOK_PASSWORD"))

    async with Client(url, login=login, password=password) as client:
        call = await client.new_call(destination, audio=Tone(440))
        ear = Ear()
        call.attach(ear)
        try:
            await call.answered()
        except CallEnded as ended:
            sys.exit(f"nobody there: {ended.cause}")

        heard = await ear.hears(lambda sound: not sound.is_silence())
        print(f"{call.remote.number} says {heard.hz:.0f} Hz at {heard.level:.0f} dBov")
        await call.hangup()


asyncio.run(main(sys.argv[1]))
