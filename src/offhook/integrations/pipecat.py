"""Pipecat's own serializer for streams, hanging up where the call is. Knows pipecat and one URL, no calls.

`pipecat-ai` has to be installed beside offhook. Its `TelnyxFrameSerializer` works unmodified but for one thing: it
hangs up at the hosted product's address, whatever platform the call is on.
"""

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUntypedBaseClass=false, reportUnknownArgumentType=false
import os
from typing import Any
from urllib.parse import quote

import aiohttp
from loguru import logger  # pipecat's own
from pipecat.serializers.telnyx import TelnyxFrameSerializer

__all__ = ["OffhookFrameSerializer"]

HANG_UP_SECONDS = 10.0


class OffhookFrameSerializer(TelnyxFrameSerializer):
    """As its base, with `base_url`: the API's address, which ends with `/v2` (TELNYX_BASE_URL if not given)."""

    def __init__(self, *args: Any, base_url: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._base_url = (base_url or os.environ["TELNYX_BASE_URL"]).rstrip("/")

    async def _hang_up_call(self) -> None:
        """Hang up. A call that is over already is as good; anything else is logged, as the base does."""
        url = f"{self._base_url}/calls/{quote(self._call_control_id or '', safe='')}/actions/hangup"
        timeout = aiohttp.ClientTimeout(total=HANG_UP_SECONDS)
        headers = {"authorization": f"Bearer {self._api_key}"}
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.post(url, json={}, headers=headers) as response,
            ):
                if response.status not in (200, 422):
                    logger.error(f"the call could not be hung up: status {response.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.error(f"the call could not be hung up: {type(error).__name__}")
