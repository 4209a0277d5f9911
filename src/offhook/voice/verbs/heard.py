"""Say, Play, Pause and Gather: what a call hears, and what is wanted of it."""

from typing import Any

from offhook.voice.event import CallTranscribed, GatherEnded, PlaybackEnded, SpeakEnded
from offhook.voice.verbs.steps import (
    Asking,
    Call,
    Document,
    Fetch,
    Next,
    Note,
    Parameters,
    Steps,
    after,
    expect_own,
    goto,
    order,
    quietly,
)
from offhook.voice.verbs.words import parameters
from offhook.wire import texml_verbs as texml

# How long an engine that writes down what is said may take for the last of it.
TRANSCRIPT_SECONDS = 2.0
_MEN = frozenset(("man", "male"))


def say(call: Call, verb: texml.Say) -> Steps:
    """Speak, and wait until it was said."""
    if not verb.text:
        return None
    if (yield from order(call, "speak", **spoken(verb), loop=loop(verb.loop))) is not None:
        yield from expect_own(call, SpeakEnded)
    return None


def play(call: Call, verb: texml.Play) -> Steps:
    """Play a file to its end; one that cannot be had is passed over."""
    if verb.digits:
        yield from order(call, "send_dtmf", digits=verb.digits)
        return None
    if not verb.text:
        return None
    if (yield from order(call, "playback_start", **played(call, verb), loop=loop(verb.loop))) is not None:
        ended = yield from expect_own(call, PlaybackEnded)
        if isinstance(ended, PlaybackEnded) and ended.status not in ("completed", "cancelled"):
            yield Note(f"<Play> has failed: {ended.detail or ended.status}")
    return None


def pause(call: Call, verb: texml.Pause) -> Steps:
    """Let nothing happen for a while."""
    until = yield from after(verb.length)
    while (yield from expect_own(call, until=until)) is not None:
        pass
    return None


def gather(call: Call, verb: texml.Gather) -> Steps:
    """Ask for digits or words, and go on with the action where there are any."""
    listens = "speech" in verb.input and (yield from _listen(call, verb))
    wanted: Document = {"prompts": [_prompt(call, each) for each in verb.nouns if each.text], **_digits(verb)}
    if (yield from order(call, "gather_prompts", **wanted)) is None:
        return None
    ended, said = yield from _entry(call, verb)
    if listens:
        yield from quietly(call, "transcription_stop")
    if said is not None:
        words = {"SpeechResult": said.transcript, "Confidence": f"{said.confidence:g}"}
        return goto(call, verb.action, verb.method, words)
    if ended is None or ended.status not in ("valid", "invalid"):
        return None
    if ended.status == "invalid" and verb.invalid_digits_action:
        return goto(call, verb.invalid_digits_action, verb.method, {"Digits": ended.digits})
    return goto(call, verb.action, verb.method, {"Digits": ended.digits}) if ended.status == "valid" else None


def _listen(call: Call, verb: texml.Gather) -> Asking[bool]:
    """Let what is said be written down, where there is somebody to do it."""
    config = {"language": verb.language, "interim_results": bool(verb.partial_result_callback)}
    started = yield from order(call, "transcription_start", transcription_engine_config=config)
    return started is not None


def _entry(call: Call, verb: texml.Gather) -> Asking[tuple[GatherEnded | None, CallTranscribed | None]]:
    """How the gathering has ended, and what was said before that."""
    said: CallTranscribed | None = None
    quiet: float | None = None
    while True:
        event = yield from expect_own(call, GatherEnded, CallTranscribed, until=quiet)
        match event:
            case GatherEnded():
                return event, said
            case CallTranscribed(certainty="final"):
                said = _joined(said, event)
                quiet = yield from after(0 if verb.speech_timeout == "auto" else verb.speech_timeout)
            case CallTranscribed():
                yield from _tell_partially(call, verb, event)
            case _:
                quiet = None
                yield from quietly(call, "gather_stop")


def _joined(before: CallTranscribed | None, event: CallTranscribed) -> CallTranscribed:
    if before is None:
        return event
    return CallTranscribed(
        event.about,
        event.at,
        f"{before.transcript} {event.transcript}".strip(),
        min(before.confidence, event.confidence),
        "final",
        event.track,
    )


def _tell_partially(call: Call, verb: texml.Gather, event: CallTranscribed) -> Asking[None]:
    """What was understood so far; the answer is of no interest."""
    if verb.partial_result_callback:
        told: Parameters = {"UnstableSpeechResult": event.transcript, "Confidence": f"{event.confidence:g}"}
        url = call.absolute(verb.partial_result_callback)
        yield Fetch(url, verb.partial_result_callback_method, parameters(call) | told)


def _digits(verb: texml.Gather) -> Document:
    """What is wanted pressed. Where only words are wanted, no digit is valid."""
    most = verb.num_digits or verb.max_digits
    keys = "".join(key for key in verb.finish_on_key if key in "0123456789*#")[:1]
    return {
        "minimum_digits": min((verb.num_digits and 1) or verb.min_digits, most),
        "maximum_digits": most,
        "terminating_digit": keys,
        "valid_digits": verb.valid_digits or "0123456789#*",
        "timeout_millis": verb.timeout * 1000,
        "inter_digit_timeout_millis": verb.timeout * 1000,
        "maximum_tries": 1,
    }


def _prompt(call: Call, verb: texml.Say | texml.Play) -> Document:
    heard = spoken(verb) if isinstance(verb, texml.Say) else played(call, verb)
    return heard | {"loop": loop(verb.loop)}


def loop(times: int) -> int | str:
    """How often, in the words of the commands; more often than they know is for ever."""
    return times if 0 < times <= 100 else "infinity"


def spoken(verb: texml.Say) -> dict[str, Any]:
    """What is said, in the words of the commands."""
    body: dict[str, Any] = {
        "payload": verb.text,
        "payload_type": "ssml" if verb.marked else "text",
        "voice": verb.voice or ("male" if verb.gender.lower() in _MEN else "female"),
    }
    return body | ({"language": verb.language} if verb.language else {})


def played(call: Call, verb: texml.Play) -> dict[str, Any]:
    """What is played, in the words of the commands."""
    return {"media_name": verb.text} if verb.media_storage else {"audio_url": call.absolute(verb.text)}


__all__ = ["Next", "gather", "loop", "pause", "play", "played", "say", "spoken"]
