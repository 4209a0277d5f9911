"""PESQ (ITU-T P.862) of speech through a call that loses packets: `python -m benches.loss`, by hand.

Not part of `make bench`: `pip install pesq espeakng-loader scipy` compiles PESQ, for which a machine needs Python's
headers. Speech is eSpeak's, the call a driven core's, so that only chance differs between two runs.
"""

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false
# (SciPy, PESQ and eSpeak are in nobody's environment but that of whoever runs this.)

import ctypes
import sys
from typing import Any

from offhook.media.commands import (
    AcceptAnswer,
    AnswerPort,
    Audio,
    Codec,
    CoreConfig,
    Listen,
    Network,
    OfferPort,
    Play,
)
from offhook.media.core import Core
from offhook.media.events import Described, Event, PcmHeard

RATE = 8_000
SECOND = 1_000_000_000
# The far end's reports have turned on FEC by then.
WARM_UP = 15
ROUNDS = 12
PROFILE = ((0.0, 1.0), (0.05, 1.0), (0.1, 1.0), (0.2, 1.0), (0.05, 3.0), (0.1, 3.0), (0.2, 3.0))
TEXT = (
    b"The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. It is easy to tell the "
    b"depth of a well. These days a chicken leg is a rare dish."
)


def speech() -> Any:
    """Some eight seconds of a voice as float samples at 48 kHz."""
    import espeakng_loader
    import numpy as np
    from scipy.signal import resample_poly

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0)
    pieces: list[Any] = []

    def take(samples: Any, count: int, _: Any) -> int:
        if samples and count > 0:
            pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)(take)
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetVoiceByName(b"en")
    library.espeak_Synth(TEXT, len(TEXT) + 1, 0, 0, 0, 0, None, None)
    return 0.5 * resample_poly(np.concatenate(pieces).astype(float), 48_000, rate)


def heard(codec: Codec, network: Network, voice: bytes, seconds: float) -> bytes:
    """What a leg decodes of a phone that says `voice` (48 kHz) over and over, once it has warmed up: 8 kHz."""
    frames: list[bytes] = []

    def note(event: Event) -> None:
        if isinstance(event, PcmHeard):
            frames.append(event.pcm)

    with Core(CoreConfig(driven=True, network=network)) as core:
        phone, leg = core.new_port(), core.new_port()
        core.attach(leg, note)
        offer = core.request(OfferPort(phone, "full", [codec]))
        assert isinstance(offer, Described)  # what else answers a request for a description
        answer = core.request(AnswerPort(leg, offer.sdp, "lite", [codec]))
        assert isinstance(answer, Described)
        core.request(AcceptAnswer(phone, answer.sdp))
        core.send(Play(phone, 1, Audio(48_000, voice), loop=0))
        core.advance(WARM_UP * SECOND)
        core.send(Listen(leg, RATE))
        core.advance(round(seconds * SECOND))
    return b"".join(frames)


def pesq_of(reference: Any, recorded: bytes) -> float:
    """The mean over whole repetitions of the reference, each found by correlation: narrow band."""
    import numpy as np
    from pesq import pesq
    from scipy.signal import correlate

    degraded = np.frombuffer(recorded, "<i2").astype(float)
    length = len(reference)
    scores: list[float] = []
    for start in range(0, len(degraded) - 2 * length, length):
        window = degraded[start : start + 2 * length]
        offset = int(np.argmax(correlate(window, reference, "valid", "fft")))
        scores.append(pesq(RATE, reference, window[offset : offset + length], "nb"))
    return sum(scores) / len(scores)


def main() -> None:
    import numpy as np
    from scipy.signal import resample_poly

    voice = speech()
    pcm = np.clip(voice, -32_768, 32_767).astype("<i2").tobytes()
    reference = resample_poly(voice, 1, 6)
    seconds = (ROUNDS + 2) * len(reference) / RATE
    codecs: tuple[Codec, ...] = ("opus", "pcmu")
    for loss, burst in PROFILE:
        network = Network(loss=loss, burst=burst, delay_ms=30, jitter_ms=20, seed=7)
        scores = [f"{codec} {pesq_of(reference, heard(codec, network, pcm, seconds)):.2f}" for codec in codecs]
        sys.stdout.write(f"{100 * loss:.0f} % in runs of {burst:g}: {', '.join(scores)}\n")


if __name__ == "__main__":
    main()
