"""The identities of a platform, put together: store, directory, logins and resources. Knows no HTTP and no calls."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from offhook.engine.accounts import Accounts
from offhook.engine.conferences import Conferences
from offhook.engine.connections import CallControlApplications, Connections, TexmlApplications
from offhook.engine.directory import MemoryDirectory
from offhook.engine.events import CallEvents, WebhookDeliveries
from offhook.engine.identities import CredentialConnections, TelephonyCredentials
from offhook.engine.identity import Authenticator, Expiry, Revoker
from offhook.engine.links import Links
from offhook.engine.numbers import NumberVoice, OutboundVoiceProfiles, PhoneNumbers
from offhook.engine.ports import Chance, Clock
from offhook.engine.push import MobilePushCredentials
from offhook.engine.recordings import Recordings
from offhook.engine.reports import DetailRecords
from offhook.engine.resources import World
from offhook.engine.spending import NEW_ACCOUNT, Spending
from offhook.engine.store import Add, Change, Store
from offhook.engine.transcripts import RecordingTranscriptions
from offhook.engine.trunks import Carriers, FqdnConnections, Fqdns, IpConnections, Ips, UacConnections
from offhook.engine.vault import Vault, digest_of_key
from offhook.voice.binding import Bindings


class Identities:
    """Everything about who may do what. Make it with `open`; `close` it when the calls are over.

    `log_off` must end one binding's socket (`Switchboard.log_off`); set `log_off` before anybody can log in.
    """

    def __init__(
        self, store: Store, vault: Vault, clock: Clock, chance: Chance, bindings: Bindings, currency: str = "USD"
    ) -> None:
        self.store = store
        self.vault = vault
        self.bindings = bindings
        self.directory = MemoryDirectory(vault)
        self.spending = Spending(clock)
        self.log_off: Callable[[str, str], None] = lambda _binding, _reason: None
        self._clock = clock
        self._chance = chance
        revoker = Revoker(bindings, lambda binding, reason: self.log_off(binding, reason))
        self._expiry = Expiry(self.directory, revoker, clock)
        self.logins = Authenticator(self.directory, vault, clock, self._expiry.watch)
        world = World(store, self.directory, vault, clock, chance, revoker, self._expiry, asyncio.Lock())
        self.credential_connections = CredentialConnections(world)
        self.call_control_applications = CallControlApplications(world)
        self.texml_applications = TexmlApplications(world)
        self.connections = Connections(world)
        self.ip_connections = IpConnections(world)
        self.ips = Ips(world)
        self.fqdn_connections = FqdnConnections(world)
        self.fqdns = Fqdns(world)
        self.uac_connections = UacConnections(world)
        self.carriers = Carriers(world)
        self.conferences = Conferences(world)
        self.telephony_credentials = TelephonyCredentials(world)
        self.phone_numbers = PhoneNumbers(world)
        self.number_voice = NumberVoice(world)
        self.outbound_voice_profiles = OutboundVoiceProfiles(world)
        self.accounts = Accounts(store, self.spending, currency)
        self.detail_records = DetailRecords(world)
        self.call_events = CallEvents(world)
        self.webhook_deliveries = WebhookDeliveries(world)
        self.links = Links(vault.link_key, clock)
        self.recordings = Recordings(world, self.links)
        self.recording_transcriptions = RecordingTranscriptions(world)
        self.mobile_push_credentials = MobilePushCredentials(world)

    @classmethod
    async def open(
        cls,
        path: Path | None,
        clock: Clock,
        chance: Chance,
        bindings: Bindings,
        busy: Callable[[int], None] = lambda _: None,
        vault: Vault | None = None,
        currency: str = "USD",
    ) -> "Identities":
        """The identities in a SQLite file, whose keys are beside it in `<file>.key`; None keeps all in memory. Balances
        are in `currency`.

        Raises `StoreError` where the database cannot be used, `WrongKey` where the key file is not its own.
        """
        found = vault or (Vault.fresh() if path is None else Vault.in_file(path.with_name(path.name + ".key")))
        identities = cls(Store.at(path, busy), found, clock, chance, bindings, currency)
        try:
            await identities.directory.follow(identities.store)
            await identities.spending.follow(identities.store)
        except BaseException:
            await identities.store.close()
            raise
        return identities

    async def close(self) -> None:
        """Write what is left and close the database."""
        self._expiry.stop()
        await self.store.close()

    async def add_account(self, name: str, id: str | None = None) -> str:
        """A new account; its id."""
        account_id = id or self._chance.uuid()
        row = {"id": account_id, "account_id": account_id, "created_at": self._clock.wall(), "name": name}
        await self.store.write(Add("accounts", row | NEW_ACCOUNT))
        return account_id

    async def add_api_key(self, account_id: str, key: str | None = None) -> str:
        """A new API key of an account. It is told here and never again: only its hash is kept."""
        secret = key or "KEY" + self._chance.token(43)
        row = {"id": self._chance.uuid(), "account_id": account_id, "created_at": self._clock.wall()}
        await self.store.write(Add("api_keys", row | {"digest": digest_of_key(secret), "revoked_at": None}))
        return secret

    async def revoke_api_key(self, account_id: str, id: str) -> None:
        """This key opens nothing any more; `Missing` where the account has none of that id."""
        await self.store.write(Change("api_keys", account_id, id, {"revoked_at": self._clock.wall()}))

    def account_of_key(self, key: str) -> str | None:
        """Whose API key this is. A hash is looked up, so the time taken tells nothing about the key."""
        return self.directory.account_of_key(digest_of_key(key))
