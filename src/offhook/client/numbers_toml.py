"""Scripted numbers from TOML text: each a list of steps, done one after the other. Knows only the SDK.

::

    [[numbers]]
    number = "+12025550170"
    name = "hotel"
    does = "answers after two rings, says that it is full and hangs up"
    steps = [{ ring = 12 }, { answer = "" }, { say = "We have no room left." }, { hang_up = 0 }]

`docs/howto/numbers.md` lists the steps.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from offhook.client.audio import File, Silence, Tone
from offhook.client.call import Call
from offhook.client.numbers import Numbers, Script, Voice
from offhook.client.script import Behaviour, echo, hang_up, ignore, press, reject, ring, wait
from offhook.errors import AudioFormatError, ConfigurationError
from offhook.media.commands import Codec

BEEP_LEVEL = -10.0
Cause = Literal["USER_BUSY", "CALL_REJECTED", "UNALLOCATED_NUMBER"]


class _Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: str
    name: str
    steps: list[dict[str, Any]]
    does: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    numbers: list[_Number]


def read_numbers(text: str, folder: Path) -> Numbers:
    """The numbers of a TOML text; ConfigurationError says what is wrong with it. Sound files are beside it, in
    `folder`."""
    try:
        written = msgspec.convert(tomllib.loads(text), type=_File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(str(error)) from None
    numbers = Numbers()
    for each in written.numbers:
        try:
            script = _script([_step(step, folder) for step in each.steps])
        except ConfigurationError as error:
            raise ConfigurationError(f"{each.name}: {error}") from None
        numbers.add(each.number, each.name, each.does or _in_words(each.steps))(script)
    return numbers


def _script(steps: list[Script]) -> Script:
    async def follow(call: Call, voice: Voice) -> None:
        for step in steps:
            await step(call, voice)

    return follow


def _step(written: Mapping[str, Any], folder: Path) -> Script:
    """One step: the one key that is a step's name has what it takes, the others say more."""
    [name, *others] = [key for key in written if key in _STEPS] or [""]
    if not name or others:
        raise ConfigurationError(f"a step has one of {', '.join(_STEPS)}: {dict(written)}")
    more = {key: value for key, value in written.items() if key != name}
    try:
        return _STEPS[name](written[name], more, folder)
    except (TypeError, ValueError, AudioFormatError) as error:
        raise ConfigurationError(f"{name}: {error}") from None


def _in_words(steps: list[dict[str, Any]]) -> str:
    return ", ".join(next(iter(step)).replace("_", " ") for step in steps) or "rings and is not answered"


# ---- the steps: each takes its value, what else the step says, and the folder of its files ----------------------

More = dict[str, Any]


def _only(behaviour: Behaviour) -> Script:
    """A behaviour that says nothing."""
    return lambda call, _voice: behaviour(call)


def _seconds(value: Any) -> float:
    return msgspec.convert(value, float)


def _ring(value: Any, more: More, _folder: Path) -> Script:
    _expect(more)
    return _only(ring(seconds=_seconds(value)))


def _answer(value: Any, more: More, _folder: Path) -> Script:
    _expect(more)
    codecs = tuple(msgspec.convert(msgspec.convert(value, str).split(), list[Codec])) or get_args(Codec)

    async def take(call: Call, _voice: Voice) -> None:
        await call.answer(codecs=codecs)

    return take


def _say(value: Any, more: More, _folder: Path) -> Script:
    _expect(more)
    words = msgspec.convert(value, str)
    return lambda call, voice: call.play(voice(words))


def _play(value: Any, more: More, folder: Path) -> Script:
    _expect(more)
    file = File(folder / msgspec.convert(value, str))
    return lambda call, _voice: call.play(file)


def _tone(value: Any, more: More, _folder: Path) -> Script:
    _expect(more, "seconds", "level")
    tone = Tone(_seconds(value), float(more.get("level", BEEP_LEVEL)), _seconds(more.get("seconds", 1.0)))
    return lambda call, _voice: call.play(tone)


def _silence(value: Any, more: More, _folder: Path) -> Script:
    _expect(more)
    silence = Silence(_seconds(value))
    return lambda call, _voice: call.play(silence)


def _wait(value: Any, more: More, _folder: Path) -> Script:
    _expect(more)
    return _only(wait(_seconds(value)))


def _press(value: Any, more: More, _folder: Path) -> Script:
    _expect(more)
    return _only(press(msgspec.convert(value, str)))


def _echo(_value: Any, more: More, _folder: Path) -> Script:
    _expect(more)
    return _only(echo())


def _ignore(_value: Any, more: More, _folder: Path) -> Script:
    _expect(more)
    return _only(ignore())


def _reject(value: Any, more: More, _folder: Path) -> Script:
    _expect(more)
    return _only(reject(msgspec.convert(value, Cause)))


def _hang_up(value: Any, more: More, _folder: Path) -> Script:
    _expect(more)
    return _only(hang_up(after=_seconds(value)))


def _expect(more: More, *known: str) -> None:
    for key in more:
        if key not in known:
            raise ValueError(f"{key} is not known here")


_STEPS: Mapping[str, Callable[[Any, More, Path], Script]] = {
    "ring": _ring,
    "answer": _answer,
    "say": _say,
    "play": _play,
    "tone": _tone,
    "silence": _silence,
    "wait": _wait,
    "press": _press,
    "echo": _echo,
    "stay": _ignore,
    "reject": _reject,
    "hang_up": _hang_up,
}
