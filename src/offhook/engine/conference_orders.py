"""What the API's conference operations ask for. Knows accounts and pages, and nothing of what a conference decides."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from offhook.engine.conferences import Conferences
from offhook.engine.orders import Orders, Outcome, expect_able
from offhook.engine.places import conference_of
from offhook.engine.ports import Clock, Shadow
from offhook.engine.resources import Listing, page_of
from offhook.engine.store import Find, Store, Where
from offhook.engine.switchboard import Switchboard
from offhook.voice.command import CommandRule, read
from offhook.voice.commands import CREATE_CONFERENCE, JOIN_CONFERENCE
from offhook.voice.commands.conference.shared import (
    find_participant,
    no_conference,
    one_participant_document,
    participant_document,
)
from offhook.voice.conference import Card, Conference
from offhook.voice.conference_event import ConferenceEnded
from offhook.voice.effect import KeepConference, Tell
from offhook.voice.resources.problem import rejected
from offhook.voice.resources.resource import Query

Document = dict[str, Any]


class ConferenceOrders:
    """Every method names the account and reaches no conference of another one; all raise `Rejected`.

    `rows` keeps all conferences, `orders` takes what concerns legs; `lacking` is as there.
    """

    def __init__(
        self,
        switchboard: Switchboard,
        rows: Conferences,
        orders: Orders,
        lacking: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._switchboard = switchboard
        self._rows = rows
        self._orders = orders
        self._lacking = lacking

    async def create(self, account_id: str, body: Document) -> Document:
        """Make a conference with a leg."""
        leg = str(body.get("call_control_id", ""))
        return await self._orders.order(account_id, leg, CREATE_CONFERENCE, body)

    async def join(self, account_id: str, id: str, body: Document) -> Document:
        """Let a leg enter a conference."""
        command = read(JOIN_CONFERENCE.command, body)
        if self._live(account_id, id) is None:
            raise await self._not_live(account_id, id)
        return await self._orders.order(account_id, command.call_control_id, JOIN_CONFERENCE, body, id)

    async def order(self, account_id: str, id: str, rule: CommandRule, body: Document, leg: str = "") -> Document:
        """Carry out a command on a conference, or on one of its participants."""
        command = read(rule.command, body)
        expect_able(command, self._lacking)
        outcome = Outcome()
        if self._switchboard.dispatch.direct_conference(account_id, id, rule, command, outcome, leg):
            return await outcome.document
        known = await self._orders.remembered(account_id, id, getattr(command, "command_id", None))
        if known is None:
            raise await self._not_live(account_id, id)
        return known

    async def page(self, account_id: str, query: Query) -> Listing:
        """One page of the conferences."""
        return await self._rows.page(account_id, query)

    async def show(self, account_id: str, id: str) -> Document:
        """One conference, ended or not."""
        return await self._rows.show(account_id, id)

    async def participants(self, account_id: str, id: str, query: Query) -> Listing:
        """One page of those who take part; nobody does in a conference that has ended."""
        conference = self._live(account_id, id)
        if conference is None:
            await self._rows.show(account_id, id)
            return page_of(query, [])
        shown = [participant_document(conference, each) for each in conference.participants.values()]
        return page_of(query, [each for each in shown if _is_chosen(each, query)])

    async def participant(self, account_id: str, id: str, participant: str) -> Document:
        """One who takes part."""
        conference = self._live(account_id, id)
        if conference is None:
            await self._rows.show(account_id, id)
            raise rejected("10005", "The requested participant is not in this conference.")
        return one_participant_document(conference, find_participant(conference, participant))

    def _live(self, account_id: str, id: str) -> Conference | None:
        return conference_of(self._switchboard.conferences.identified(account_id, id))

    async def _not_live(self, account_id: str, id: str) -> Exception:
        found = await self._rows.world.store.find(Find("conferences", account_id, (Where("id", "eq", id),), limit=1))
        return no_conference("ended" if found.rows else "unknown")


async def end_cut_off(store: Store, shadow: Shadow, clock: Clock) -> None:
    """Give conferences that a crash left without an end their end. Call it once the legs have theirs."""
    for row in await store.load("conferences"):
        card = msgspec.json.decode(row["document"], type=Card)
        if card.status == "completed" or card.owner is None:
            continue
        now = clock.wall()
        ended = msgspec.structs.replace(card, status="completed", end_reason="all_left", updated_at=now)
        told = ConferenceEnded(card.owner, now, card.id, card.owner.client_state, "all_left")
        await shadow.commit([KeepConference(ended), Tell(told)])


def _is_chosen(document: Document, query: Query) -> bool:
    facts = {
        "muted": document["muted"],
        "on_hold": document["on_hold"],
        "whispering": bool(document["whisper_call_control_ids"]),
    }
    return all(facts[chosen.filter.name] == (chosen.value == "true") for chosen in query.chosen)
