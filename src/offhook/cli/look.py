"""`offhook trace` and `offhook explain`: ask the running platform what happened, or what would happen."""

from typing import Annotated

from cyclopts import Parameter

from offhook.cli import platform
from offhook.errors import OffhookError


async def trace(session: str) -> None:
    """Print a session's ladder: who did what, and what everybody saw.

    Parameters
    ----------
    session
        Its call_session_id (the SDK's `call.ids.session`, a webhook's `call_session_id`).
    """
    answer = await platform.get(f"/_offhook/sessions/{session}/ladder")
    if answer.status == 404:
        raise OffhookError(f"the platform knows no session {session}")
    _expect_ok(answer)
    print(answer.text.rstrip("\n"))


async def explain(destination: str, *, caller: Annotated[str | None, Parameter(name="--from")] = None) -> None:
    """Tell who would ring for DESTINATION, why, and what a minute costs.

    Parameters
    ----------
    destination
        A number, a username, or a SIP address.
    caller
        The username that calls: its connection's settings and limits count then, too.
    """
    query = {"destination": destination} if caller is None else {"destination": destination, "from": caller}
    answer = await platform.get("/_offhook/explain", **query)
    _expect_ok(answer)
    print(answer.text.rstrip("\n"))


def _expect_ok(answer: platform.Answer) -> None:
    if answer.status != 200:
        raise OffhookError(f"the platform answered {answer.status}: {answer.text.strip()[:200]}")
