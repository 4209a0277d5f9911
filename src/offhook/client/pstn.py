"""The numbers that `offhook dev` gives: what a phone out there may do to a call. Knows only the SDK.

They are of the range that is kept for fiction (555-0100 to 555-0199), so none of them is anybody's.
"""

from __future__ import annotations

import asyncio
import contextlib

from offhook.client import events
from offhook.client.audio import Silence, Tone
from offhook.client.call import Call
from offhook.client.numbers import Numbers, Voice
from offhook.client.script import RING_SECONDS, echo, ignore, ring, wait

NUMBERS = Numbers()

ANSWER_TONE_HZ = 440.0
GREETING_AFTER = 2.0
EARLY_SECONDS = 4.0
MENU_SECONDS, MENU_TRIES = 6.0, 3
BEEP = Tone(1_000.0, level=-10.0, seconds=0.4)

HELLO = "Hello?"
GREETING = (
    "Hello, you have reached the voicemail of nobody in particular. I cannot come to the phone right now. "
    "Please leave your name and your number after the tone, and I will call you back as soon as I can."
)
MENU = "Welcome. For sales, press one. For support, press two."
CHOICES = {"1": "You have reached sales.", "2": "You have reached support."}
LECTURE = "Thank you for calling. As I was about to say before we were so rudely interrupted, the matter is this"


@NUMBERS.add("+12025550110", "echo", "answers and says back what it hears")
async def answers_and_echoes(call: Call, _voice: Voice) -> None:
    await call.answer()
    await echo()(call)


@NUMBERS.add("+12025550111", "tone", f"answers with a tone of {ANSWER_TONE_HZ:.0f} Hz")
async def answers_with_a_tone(call: Call, _voice: Voice) -> None:
    await call.answer(Tone(ANSWER_TONE_HZ))
    await call.ended()


@NUMBERS.add("+12025550112", "busy", "is busy")
async def is_busy(call: Call, _voice: Voice) -> None:
    await call.reject("USER_BUSY")


@NUMBERS.add("+12025550113", "no-answer", "rings and is not answered")
async def rings_for_ever(call: Call, _voice: Voice) -> None:
    await ignore()(call)


@NUMBERS.add("+12025550114", "reject", "rejects the call after one ring")
async def rejects(call: Call, _voice: Voice) -> None:
    await ring(seconds=RING_SECONDS / 3)(call)
    await call.reject("CALL_REJECTED")


@NUMBERS.add("+12025550115", "unallocated", "is not allocated")
async def is_not_allocated(call: Call, _voice: Voice) -> None:
    await call.reject("UNALLOCATED_NUMBER")


@NUMBERS.add("+12025550116", "person", f'answers, and says "{HELLO}" after {GREETING_AFTER:.0f} seconds')
async def a_person(call: Call, voice: Voice) -> None:
    await call.answer()
    await wait(GREETING_AFTER)(call)
    await call.play(voice(HELLO))
    await call.ended()


@NUMBERS.add("+12025550117", "voicemail", "answers with a long greeting and a beep, then listens")
async def voicemail(call: Call, voice: Voice) -> None:
    await ring(seconds=RING_SECONDS / 3)(call)
    await call.answer()
    for each in (Silence(0.5), voice(GREETING), Silence(0.5), BEEP):
        await call.play(each)
    await call.ended()


@NUMBERS.add("+12025550118", "menu", "answers with a menu that wants a 1 or a 2")
async def menu(call: Call, voice: Voice) -> None:
    pressed = call.events(events.DigitPressed)
    await call.answer()
    for _ in range(MENU_TRIES):
        await call.play(voice(MENU))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MENU_SECONDS):
                chosen = await anext(CHOICES[key.digit] async for key in pressed if key.digit in CHOICES)
            await call.play(voice(chosen))
            break
    await call.hangup()


@NUMBERS.add("+12025550119", "cut-off", "answers and hangs up in the middle of a sentence")
async def hangs_up_mid_sentence(call: Call, voice: Voice) -> None:
    await call.answer()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2.0):
            await call.play(voice(LECTURE))
    await call.hangup()


@NUMBERS.add("+12025550120", "pcma", f"answers with a tone of {ANSWER_TONE_HZ:.0f} Hz and speaks PCMA only")
async def speaks_pcma_only(call: Call, _voice: Voice) -> None:
    await call.answer(Tone(ANSWER_TONE_HZ), codecs=("pcma",))
    await call.ended()


@NUMBERS.add(
    "+12025550121", "fails", f"rings for {EARLY_SECONDS:.0f} seconds, which callers hear as early media, then fails"
)
async def fails_after_early_media(call: Call, _voice: Voice) -> None:
    await ring(seconds=EARLY_SECONDS)(call)
    await call.reject("DESTINATION_OUT_OF_ORDER")
