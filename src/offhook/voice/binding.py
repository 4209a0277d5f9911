"""Who is registered, and who rings first. Pure bookkeeping: no sockets, no clock, no dialling rules.

A username rings the binding that logged in last; when that one goes, the one before it. A keep-alive or a
re-attach keeps its place. A token's login is filed under its credential's username, so nothing here asks how a
far end proved who it is.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

# What a far end belongs to, in the API's words for a calling party.
Network = Literal["sip", "pstn"]
# What a far end speaks: the browser SDK's protocol, or SIP, in which more can be asked of it.
Speaks = Literal["rtc", "sip"]
# The kind of media that a far end is offered: with ICE and DTLS, or without ICE: in the clear (RTP/AVP), with keys in
# the description (RTP/SAVP), with those of a DTLS handshake (UDP/TLS/RTP/SAVP).
Profile = Literal["webrtc", "rtp", "srtp", "dtls"]
# How media without ICE is to be encrypted.
Encryption = Literal["none", "srtp", "dtls"]
# Whether calls to a username reach a far end of it.
Rung = Literal["in turn", "never"]
# How many calls a far end is good for: as many as one person could have at a phone, or as many as its limits allow.
Capacity = Literal["phone", "trunk"]


class Binding(msgspec.Struct, frozen=True):
    """A registered, reachable far end of a username.

    `registered_at` is Unix seconds; `credential_id` is None for a login with the connection's own username;
    `token_id` and `token_expires_at` are set for a login by token. A binding of the `pstn` stands for the whole
    telephone network: its legs are those of whoever calls there. One that is never `rung` is not registered: somebody
    proved who it is to make calls.
    """

    id: str
    account_id: str
    connection_id: str
    username: str
    registered_at: float
    credential_id: str | None = None
    token_id: str | None = None
    token_expires_at: float | None = None
    address: str = ""
    port: int = 0
    transport: str = "WSS"
    user_agent: str = ""
    network: Network = "sip"
    rung: Rung = "in turn"
    speaks: Speaks = "rtc"
    profile: Profile = "webrtc"
    capacity: Capacity = "phone"


def protected(profile: Profile, encryption: Encryption) -> Profile:
    """The profile of a far end whose media is to be encrypted. A browser's is so in any case."""
    return profile if profile == "webrtc" or encryption == "none" else encryption


class Bindings:
    """The registry. Its order is its meaning: `of_username` lists the latest login first."""

    __slots__ = ("_by_id", "_by_username", "_gone")

    def __init__(self) -> None:
        self._by_id: dict[str, Binding] = {}
        self._by_username: dict[str, list[str]] = {}
        # What unregistered last under a username, for the registration status; one per username ever proved.
        self._gone: dict[str, Binding] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Binding]:
        return iter(self._by_id.values())

    def register(self, binding: Binding) -> None:
        """A new login: it rings first from now on. An id that is already registered is a bug: ValueError."""
        if binding.id in self._by_id:
            raise ValueError(f"binding {binding.id} is already registered")
        self._by_id[binding.id] = binding
        if binding.rung == "in turn":
            self._by_username.setdefault(binding.username, []).append(binding.id)

    def reattach(self, binding: Binding) -> None:
        """The same login over another socket, or refreshed: its facts change, its place and login time do not.

        KeyError where it is gone (then it must `register` anew); ValueError where the username differs.
        """
        before = self._by_id[binding.id]
        if before.username != binding.username:
            raise ValueError(f"binding {binding.id} belongs to another username")
        self._by_id[binding.id] = msgspec.structs.replace(binding, registered_at=before.registered_at)

    def unregister(self, id: str) -> Binding | None:
        """It is gone: the former login of its username rings again. None where it was gone already."""
        binding = self._by_id.pop(id, None)
        if binding is None or binding.rung == "never":
            return binding
        ids = self._by_username[binding.username]
        ids.remove(id)
        if not ids:
            del self._by_username[binding.username]
        self._gone[binding.username] = binding
        return binding

    def get(self, id: str) -> Binding | None:
        """The binding of that id, while it is registered."""
        return self._by_id.get(id)

    def of_username(self, username: str) -> tuple[Binding, ...]:
        """The live bindings of exactly that username, latest login first."""
        return tuple(self._by_id[id] for id in reversed(self._by_username.get(username, ())))

    def of_connection(self, connection_id: str) -> tuple[Binding, ...]:
        """All bindings under a connection, its own and its credentials', in order of login."""
        return tuple(binding for binding in self if binding.connection_id == connection_id)

    def of_credential(self, credential_id: str) -> tuple[Binding, ...]:
        """The bindings of a telephony credential, by password and by token, in order of login."""
        return tuple(binding for binding in self if binding.credential_id == credential_id)

    def of_token(self, token_id: str) -> tuple[Binding, ...]:
        """The bindings that logged in with that token, in order of login."""
        return tuple(binding for binding in self if binding.token_id == token_id)

    def last_of(self, username: str) -> Binding | None:
        """The binding that left that username last, while nobody is registered under it."""
        return None if username in self._by_username else self._gone.get(username)
