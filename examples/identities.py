"""A new identity by the official server SDK, and a phone that logs in with its token. Needs `pip install telnyx`.

Needs a running `offhook dev`, too, and its settings: eval "$(offhook env)"; export TELNYX_BASE_URL TELNYX_API_KEY
"""

import asyncio
import os
import secrets

import telnyx

from offhook import Client, Tone
from offhook.client.script import Phone, answer, ignore, then

URL = os.environ.get("OFFHOOK_WS_URL", "ws://127.0.0.1:9700")


def new_identity(name: str) -> tuple[str, str]:
    """(username to dial, token to log in with)"""
    api = telnyx.Telnyx()  # takes its key and its base URL from the environment
    connection = api.credential_connections.create(
        connection_name=f"{name}'s phones",
        user_name=name,
        password=secrets.token_urlsafe(24),
        sip_uri_calling_preference="internal",  # the default, "disabled", lets nobody dial it
    )
    credential = api.telephony_credentials.create(connection_id=connection.data.id, name=f"{name}'s browser")
    return credential.data.sip_username, api.telephony_credentials.create_token(credential.data.id)


async def main() -> None:
    username, token = await asyncio.to_thread(new_identity, f"alice{secrets.randbelow(10**6):06}")
    john = Client(URL, login="john1234", password="john-development-password")
    alice = Client(URL, token=token)

    async with john, Phone(alice, then(answer(Tone(620)), ignore())):
        call = await john.new_call(username)
        await call.answered()
        print(f"john talks to {username}")


asyncio.run(main())
