"""Keeps mobile push credentials, their secrets sealed. Knows no push service."""

from collections.abc import Sequence

import msgspec

from offhook.engine.resources import Document, Keeper
from offhook.engine.store import Row, Write
from offhook.voice.resources.mobile_push_credential import MOBILE_PUSH_CREDENTIALS, SECRETS, check_secrets
from offhook.voice.resources.problem import Rejected, rejected


class MobilePushCredentials(Keeper):
    """What a server needs to wake apps; shown whole to its owner, as the hosted product does."""

    resource = MOBILE_PUSH_CREDENTIALS

    async def filling(self, row: Row, document: Document, before: Row | None = None) -> Sequence[Write]:
        if problems := check_secrets(document):
            raise Rejected(problems)
        secrets = {name: document[name] for name in SECRETS[document["type"]]}
        row["secret"] = self.world.vault.seal(msgspec.json.encode(secrets).decode(), _place(row))
        open_part = {name: None if name in secrets else value for name, value in document.items()}
        return await super().filling(row, open_part, before)

    async def dropping(self, row: Row) -> Sequence[Write]:
        # A connection that named none could not be changed any more.
        if self.world.directory.connections_waking_with(row["id"]):
            raise rejected("10021", "Connections use this mobile push credential.")
        return ()

    def document(self, row: Row) -> Document:
        return super().document(row) | msgspec.json.decode(self.world.vault.unseal(row["secret"], _place(row)))


def _place(row: Row) -> str:
    return f"push_credentials:{row['id']}"
