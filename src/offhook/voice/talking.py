"""Who has the floor of a conference: who talks, and goes on talking. No I/O.

The media core reports the loudest a few times a second. Whoever is it in so many reports running has the floor: a cough
or a word between does not take it, nor does silence.
"""

import msgspec

from offhook.voice import conferencing
from offhook.voice.conference import Conference, Contest
from offhook.voice.conference_event import FloorChanged
from offhook.voice.event import about
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.signal import Loudest

REPORTS = 3


def heard(contest: Contest, loudest: str | None) -> Contest:
    """The contest after a report: `loudest` is a leg, or None where nobody is loud."""
    if loudest is None or loudest == contest.holder:
        return Contest(contest.holder)
    reports = contest.reports + 1 if loudest == contest.challenger else 1
    return Contest(loudest) if reports == REPORTS else Contest(contest.holder, loudest, reports)


def reported(floor: Floor, conference: Conference, signal: Loudest, now: Moment) -> None:
    """A report of the conference's circle."""
    found = None if signal.speaker is None else floor.find_port(signal.speaker)
    leg = None if found is None or found[0].id not in conference.participants else found[0]
    before, conference.contest = conference.contest, heard(conference.contest, leg and leg.id)
    if leg is not None and conference.contest.holder == leg.id != before.holder:
        conferencing.tell(floor, FloorChanged, about(leg), now)


def left(conference: Conference, leg: str) -> None:
    """A leg takes part no more."""
    contest = conference.contest
    if contest.holder == leg:
        contest = msgspec.structs.replace(contest, holder=None)
    conference.contest = Contest(contest.holder) if contest.challenger == leg else contest
