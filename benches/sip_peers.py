"""SIP servers beside which ours is measured: Debian's Kamailio, sippy's b2bua from PyPI. Knows how they are started."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benches import processes
from benches.figures import ROOT
from benches.platform import Identity
from benches.processes import NoPeer

DOMAIN = "bench.invalid"


class SipPeer(NamedTuple):
    """A running one: where it takes SIP over UDP, and CPU seconds that it has used so far."""

    address: str
    cpu: Callable[[], float]


@contextlib.asynccontextmanager
async def kamailio(
    users: Sequence[Identity] = (), callee_port: int = 0, rtpengine_port: int = 0
) -> AsyncGenerator[SipPeer, None]:
    """A registrar with its users in memory that asks for digest, and a stateful proxy that record-routes every call to
    the callee, its media through an rtpengine where there is one. NoPeer where it is not installed."""
    program, port = processes.program("kamailio", "kamailio"), processes.free_port()
    with tempfile.TemporaryDirectory(prefix="offhook-kamailio-") as folder:
        file = Path(folder) / "kamailio.cfg"
        file.write_text(_configured(port, users, callee_port, rtpengine_port))
        # -DD: it stays in the foreground and still forks its workers. -Y: nothing outside of the folder is written.
        async with processes.running(program, "-DD", "-E", "-f", file, "-Y", folder, "-m", "64", "-M", "16") as pid:
            yield SipPeer(f"127.0.0.1:{port}", lambda: processes.family_cpu(pid))


@contextlib.asynccontextmanager
async def sippy(callee_port: int) -> AsyncGenerator[SipPeer, None]:
    """A back-to-back agent for signalling alone, which asks for no proof and calls whom it is told to. NoPeer where it
    cannot be installed."""
    port = processes.free_port()
    command = (_sippy(), "-f", "-l", "127.0.0.1", "-p", str(port), "-n", f"127.0.0.1:{callee_port}")
    async with processes.running(*command, env={"SIPLOG_BEND": "none"}) as pid:
        yield SipPeer(f"127.0.0.1:{port}", lambda: processes.cpu(pid))


def _sippy() -> str:
    command = [sys.executable, str(ROOT / "tools" / "compat_env.py"), "sippy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoPeer("sippy cannot be installed from PyPI")
    return done.stdout.strip()


def _configured(port: int, users: Sequence[Identity], callee_port: int, rtpengine_port: int) -> str:
    passwords = "\n".join(f'    $sht(passwords=>{login}) = "{password}";' for login, password in users)
    has_media = rtpengine_port != 0
    return _KAMAILIO.format(
        port=port, callee=callee_port, passwords=passwords, domain=DOMAIN,
        media=_MEDIA.format(port=rtpengine_port) if has_media else "",
        manage="rtpengine_manage();" if has_media else "", on_reply='t_on_reply("MEDIA");' if has_media else "",
    )  # fmt: skip


_MEDIA = """
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:{port}")

onreply_route[MEDIA] {{
    if (has_body("application/sdp")) rtpengine_manage();
}}
"""
_KAMAILIO = """#!KAMAILIO
debug=-1
log_stderror=yes
children=1
auto_aliases=no
dns=no
rev_dns=no
disable_tcp=yes
listen=udp:127.0.0.1:{port}
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "htable.so"
modparam("usrloc", "db_mode", 0)
modparam("htable", "htable", "passwords=>size=8;")

{media}
event_route[htable:mod-init] {{
{passwords}
    $sht(passwords=>nobody) = "nothing";
}}

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("{domain}", "$sht(passwords=>$au)", "0")) {{
            www_challenge("{domain}", "1");
            exit;
        }}
        save("location");
        exit;
    }}
    if (has_totag()) {{
        if (!loose_route() && !is_method("ACK")) {{ sl_send_reply("404", "Not Here"); exit; }}
        {manage}
        t_relay();
        exit;
    }}
    record_route();
    {manage}
    {on_reply}
    $du = "sip:127.0.0.1:{callee}";
    t_relay();
}}
"""
