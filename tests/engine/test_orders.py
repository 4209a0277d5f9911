"""Category: engine. Customers' commands on their way: what is asked twice, and what fails in between."""

from typing import Any

import pytest
import structlog

from offhook.engine.orders import Orders
from offhook.engine.store import Unavailable
from offhook.testing.clock import LoopClock
from offhook.voice.commands.call.dial import Dial
from offhook.voice.resources.problem import Rejected

BODY = {"connection_id": "1" * 19, "to": "sip:bob@sip.test", "from": "+15550100001", "command_id": "once"}


class Shaky(Orders):
    """Its database fails as often as `failures` says; the calls that it has made."""

    def __init__(self, failures: int) -> None:
        self._dials = {}
        self._lacking = {}
        self._clock = LoopClock()
        self._failures = failures
        self.made = 0

    async def remembered(self, *_: Any, **__: Any) -> None:
        return None

    async def _dial(self, account_id: str, command: Dial) -> dict[str, Any]:
        if self._failures:
            self._failures -= 1
            raise Unavailable("the disk is full")
        self.made += 1
        return {"call_control_id": f"v3:{self.made}"}


async def test_a_dial_that_the_database_failed_can_be_sent_again() -> None:
    orders = Shaky(failures=1)
    with pytest.raises(Unavailable):
        await orders.dial("account", BODY)
    first, second = await orders.dial("account", BODY), await orders.dial("account", BODY)
    assert first == second == {"call_control_id": "v3:1"}
    assert orders.made == 1


@pytest.mark.parametrize("to", ["911", "+1 911", "sip:112@sip.test"])
async def test_whoever_runs_the_platform_hears_of_a_call_for_help(to: str) -> None:
    with structlog.testing.capture_logs() as logs, pytest.raises(Rejected):
        await Shaky(failures=0).dial("account", BODY | {"to": to})
    assert logs == [{"event": "emergency.refused", "log_level": "error", "account": "account"}]
