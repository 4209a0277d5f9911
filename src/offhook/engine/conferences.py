"""Shows the rows of conferences, those that are over included. Read only."""

from collections.abc import Sequence

import msgspec

from offhook.engine.resources import NOTHING, Document, Keeper
from offhook.engine.store import Row, Where
from offhook.voice.commands.conference.shared import conference_document
from offhook.voice.conference import Card
from offhook.voice.resources.conference import CONFERENCES
from offhook.voice.resources.resource import Chosen

# What all conferences are, of which a list can be asked for something else.
_ALL = {"product": "call_control", "type": "command", "failed": "false"}


class Conferences(Keeper):
    """Conferences as rows, those that have ended included."""

    resource = CONFERENCES

    def conditions(self, chosen: Chosen) -> Sequence[Where]:
        name = chosen.filter.name
        if name in _ALL:
            return () if chosen.value == _ALL[name] else (NOTHING,)
        return super().conditions(chosen)

    def shown(self, row: Row) -> Document:
        return conference_document(msgspec.json.decode(row["document"], type=Card))
