"""Two phones, one call, and what each of them hears. Needs a running `offhook dev`, whose two identities it uses."""

import asyncio
import os

from offhook import Client, Ear, Tone

URL = os.environ.get("OFFHOOK_WS_URL", "ws://127.0.0.1:9700")


async def main() -> None:
    john = Client(URL, login="john1234", password="john-development-password")
    jane = Client(URL, login="jane5678", password="jane-development-password")

    async with john, jane:
        await jane.ready()
        ringing = jane.incoming()
        call = await john.new_call("jane5678", caller_number="+12025550101", audio=Tone(440))

        incoming = await anext(ringing)
        print(f"jane's phone rings: {incoming.remote.number}")
        await incoming.answer(audio=Tone(620))
        await call.answered()

        for name, side, tone in (("john", call, 620), ("jane", incoming, 440)):
            ear = Ear()
            side.attach(ear)
            heard = await ear.hears_tone(tone)
            print(f"{name} hears {heard.hz:.0f} Hz at {heard.level:.0f} dBov")

        await call.hangup()
        print(f"over: {(await incoming.ended()).cause}; see it again with: offhook trace {call.ids.session}")


asyncio.run(main())
