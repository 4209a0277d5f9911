"""The rows of recordings: from their beginning, for whoever lists, shows or deletes them. Knows no audio."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from offhook.engine.links import Links
from offhook.engine.resources import Document, Keeper, World
from offhook.engine.store import Row, Where
from offhook.voice.recording import Card, Format
from offhook.voice.resources.field import check
from offhook.voice.resources.moment import format_moment
from offhook.voice.resources.problem import Rejected
from offhook.voice.resources.recording import DELETED, RECORDINGS

FORMATS: tuple[Format, ...] = ("mp3", "wav")


def row_of(card: Card) -> Row:
    """The row of a recording that has begun; nobody is shown it before it is complete."""
    about = card.about
    return {
        "id": card.id,
        "account_id": about.party.account_id,
        "created_at": card.started_at,
        "updated_at": card.started_at,
        "status": "going_on",
        "call_control_id": about.ids.call_control_id,
        "call_leg_id": about.ids.call_leg_id,
        "call_session_id": about.ids.call_session_id,
        "connection_id": about.party.connection_id,
        "conference_id": card.conference_id or None,
        "caller": about.caller,
        "called": about.called,
        "started_at": card.started_at,
        "ended_at": None,
        "milliseconds": 0,
        "document": msgspec.json.encode(card).decode(),
    }


def card_of(row: Row) -> Card:
    """What was known of a recording when it began."""
    return msgspec.json.decode(row["document"], type=Card)


def file_name(card: Card) -> str:
    """The name of a recording's file on the disk and in links: nothing of it is the customer's."""
    return f"{card.id}.{card.settings.format}"


def urls(card: Card, links: Links) -> dict[str, str | None]:
    """The links of a recording, by format; None for the one that it does not have."""
    link = links.link(file_name(card))
    return {format: link if format == card.settings.format else None for format in FORMATS}


class Recordings(Keeper):
    """The recordings that are complete. `removed` is told of one that is deleted, for its file to go."""

    resource = RECORDINGS

    def __init__(self, world: World, links: Links) -> None:
        super().__init__(world)
        self._links = links
        self.removed: Callable[[Card], None] = lambda _: None

    async def delete_all(self, account_id: str, body: Document) -> None:
        """Delete these, or, where one of them is not there, none."""
        problems = check(DELETED, body, "create")
        if problems:
            raise Rejected(problems)
        wanted: list[str] = list(dict.fromkeys(body["ids"]))
        for id in wanted:
            await self.row(account_id, id)
        for id in wanted:
            await self._delete_if_there(account_id, id)

    async def _delete_if_there(self, account_id: str, id: str) -> None:
        try:
            await self.delete(account_id, id)
        except Rejected:
            return  # somebody else was faster

    def always(self) -> Sequence[Where]:
        return (Where("status", "eq", "completed"),)

    def dropped(self, row: Row) -> None:
        self.removed(card_of(row))

    def shown(self, row: Row) -> Document:
        card = card_of(row)
        ended_at: Any = row["ended_at"]
        return self.stamps(row) | {
            "call_control_id": row["call_control_id"],
            "call_leg_id": row["call_leg_id"],
            "call_session_id": row["call_session_id"],
            "channels": card.settings.kept_channels,
            "conference_id": row["conference_id"],
            "connection_id": row["connection_id"],
            "download_urls": urls(card, self._links),
            "duration_millis": row["milliseconds"],
            "from": row["caller"],
            "initiated_by": card.initiated_by,
            "recording_ended_at": None if ended_at is None else format_moment(ended_at),
            "recording_started_at": format_moment(row["started_at"]),
            "source": card.source,
            "status": row["status"],
            "to": row["called"],
        }
