"""May this connection make this call? The limits of connections, outbound voice profiles and accounts. No I/O."""

from typing import Protocol

import msgspec

from offhook.voice import numbering
from offhook.voice.directory import ConnectionCard, Directory, ProfileCard, Traffic
from offhook.voice.rating import MICROS, Rate

DAY_SECONDS = 86_400


class Reason(msgspec.Struct, frozen=True):
    """Why a call is refused, in the words of each side: our cause, the API's error code for a command, and the code by
    which the hosted product's SIP answers name it (empty where it is not published)."""

    cause: str
    code: str = ""
    tag: str = ""


CONNECTION_FULL = Reason("NORMAL_CIRCUIT_CONGESTION", "90043", "D3")
PROFILE_FULL = Reason("NORMAL_CIRCUIT_CONGESTION", "90042", "D2")
CONNECTION_INACTIVE = Reason("CALL_REJECTED", "10010", "D18")
PROFILE_DISABLED = Reason("CALL_REJECTED", "10010")
NOT_WHITELISTED = Reason("CALL_REJECTED", "10010", "D13")
TOO_DEAR = Reason("CALL_REJECTED", "10010", "D24")
OUT_OF_HOURS = Reason("CALL_REJECTED", "10010")
SPENT = Reason("CALL_REJECTED", "10010")
NO_CREDIT = Reason("CALL_REJECTED", "10010", "D19")
NO_PROFILE = Reason("CALL_REJECTED", "10010", "D38")
BAD_CALLER = Reason("CALL_REJECTED", "10010", "D35")

# What a profile allows towards the telephone network where it sets no limit of its own: somebody who has stolen a
# password earns little with it.
USUAL_CALLS = 10
USUAL_MICROS_PER_MINUTE = 500_000
USUAL_DAILY_MICROS = 50 * MICROS


class Refused(Exception):
    """Leaves the rules from wherever one says no. `str()` names the setting; `username` is whom the call was for,
    `number` the caller's as that phone would show it."""

    def __init__(self, reason: Reason | str, detail: str, username: str | None = None, number: str = "") -> None:
        super().__init__(detail)
        self.reason = Reason(reason) if isinstance(reason, str) else reason
        self.detail = detail
        self.username = username
        self.number = number


class Purse(Protocol):
    """What has been spent, answered from memory. Micro-dollars."""

    def spent_today(self, profile_id: str) -> int:
        """What connections with this outbound voice profile have spent since midnight, UTC."""
        ...

    def available(self, account_id: str) -> int:
        """What the account may still spend."""
        ...


class FullPurse:
    """Nobody has spent anything, and everybody may spend something."""

    def spent_today(self, profile_id: str) -> int:  # noqa: ARG002
        return 0

    def available(self, account_id: str) -> int:  # noqa: ARG002
        return 1


class Permission:
    """The checks, given what they look things up in. Each raises `Refused`."""

    __slots__ = ("_directory", "_purse", "_traffic")

    def __init__(self, directory: Directory, traffic: Traffic, purse: Purse) -> None:
        self._directory = directory
        self._traffic = traffic
        self._purse = purse

    def to_call(self, account_id: str | None, connection_id: str) -> ConnectionCard:
        """The connection that dials, if it may."""
        caller = self._directory.connection(connection_id)
        if caller is None or caller.account_id != account_id:
            raise Refused("CALL_REJECTED", "the caller's connection was deleted")
        if not caller.active:
            raise Refused(CONNECTION_INACTIVE, f"active is false on the caller's connection {caller.name}")
        if full(caller.outbound_channel_limit, self._traffic.outbound(caller.id)):
            raise Refused(CONNECTION_FULL, f"outbound.channel_limit of connection {caller.name} is reached")
        if self._purse.available(caller.account_id) <= 0:
            raise Refused(NO_CREDIT, "the account's balance and credit_limit are used up")
        return caller

    def profile(self, caller: ConnectionCard | None) -> ProfileCard | None:
        """The outbound voice profile of a connection, if it has one."""
        return self._directory.profile(caller.profile_id) if caller and caller.profile_id else None

    def to_reach(self, caller: ConnectionCard | None, e164: str, rate: Rate, now: float) -> None:
        """Whether the caller's outbound voice profile lets it call this number at this price, at `now`."""
        profile = self.profile(caller)
        if profile is None:
            return
        named = f"of outbound voice profile {profile.name}"
        if not profile.enabled:
            raise Refused(PROFILE_DISABLED, f"enabled is false on outbound voice profile {profile.name}")
        if numbering.country_of(e164) not in profile.whitelisted_destinations:
            raise Refused(NOT_WHITELISTED, f"whitelisted_destinations {named} lacks this country")
        if profile.max_micros_per_minute is not None and rate.micros > profile.max_micros_per_minute:
            raise Refused(TOO_DEAR, f"max_destination_rate {named} is below this call's")
        if profile.hours is not None and not _within(profile.hours, now):
            raise Refused(OUT_OF_HOURS, f"calling_window {named} is closed at this hour (UTC)")
        if full(profile.concurrent_call_limit, self._traffic.through(profile.id)):
            raise Refused(PROFILE_FULL, f"concurrent_call_limit {named} is reached")
        if self._spent(profile):
            raise Refused(SPENT, f"daily_spend_limit {named} is reached; the next day begins at midnight UTC")

    def to_leave(self, caller: ConnectionCard | None, rate: Rate) -> None:
        """Whether the caller may call the telephone network at this price, beside what its profile says of the number
        (`to_reach`): it has a profile, and is within the usual limits where that sets none."""
        profile = self.profile(caller)
        if profile is None:
            which = f"connection {caller.name}" if caller else "the caller's connection"
            raise Refused(NO_PROFILE, f"outbound_voice_profile_id of {which} is not set, without which no call leaves")
        named = f"of outbound voice profile {profile.name} is not set, and the usual limit"
        if profile.max_micros_per_minute is None and rate.micros > USUAL_MICROS_PER_MINUTE:
            raise Refused(TOO_DEAR, f"max_destination_rate {named} is below this call's")
        if profile.concurrent_call_limit is None and full(USUAL_CALLS, self._traffic.through(profile.id)):
            raise Refused(PROFILE_FULL, f"concurrent_call_limit {named} of {USUAL_CALLS} calls is reached")
        if profile.daily_spend_micros is None and self._purse.spent_today(profile.id) >= USUAL_DAILY_MICROS:
            raise Refused(SPENT, f"daily_spend_limit {named} is reached; the next day begins at midnight UTC")

    def _spent(self, profile: ProfileCard) -> bool:
        limit = profile.daily_spend_micros
        return limit is not None and self._purse.spent_today(profile.id) >= limit


def _within(hours: tuple[int, int], now: float) -> bool:
    """Whether a moment is in these hours, which may go past midnight."""
    start, end = hours
    minute = now % DAY_SECONDS / 60
    return start <= minute < end if start <= end else minute >= start or minute < end


def full(limit: int | None, in_use: int) -> bool:
    """Whether a limit leaves no room."""
    return limit is not None and in_use >= limit
