"""The `offhook` command: which command is which, and how a failure ends. Commands are imported when they are run."""

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from offhook.errors import (
    CallError,
    ConfigurationError,
    ConnectFailed,
    ConnectionLost,
    LoginRefused,
    OffhookError,
    RequestTimedOut,
)

USAGE = 2
INTERRUPTED = 130

# The exit codes of sysexits.h where one fits; the first class that matches wins.
EXIT_CODES: tuple[tuple[type[OffhookError], int], ...] = (
    (ConfigurationError, 78),
    (LoginRefused, 77),
    (ConnectFailed, 69),
    (ConnectionLost, 69),
    (RequestTimedOut, 69),
    (CallError, 1),
    (OffhookError, 1),
)

app = App(
    name="offhook",
    help="An open voice platform for software phones, on this machine.",
    version_flags=[],
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)
# Said here once more, so that `offhook --help` need not import the commands.
COMMANDS = (
    ("dev", "offhook.cli.dev:dev", "Start the platform on this machine."),
    ("env", "offhook.cli.env:env", "Print the running platform's addresses and keys."),
    ("call", "offhook.cli.call:call", "Call somebody: play a file or a tone, record what is heard."),
    ("trace", "offhook.cli.look:trace", "Print the ladder of a session: who did what, and what everybody saw."),
    ("explain", "offhook.cli.look:explain", "Tell who would ring for a destination, why, and what a minute costs."),
    ("openapi", "offhook.cli.openapi:openapi", "Print the description of the REST API (OpenAPI 3.1)."),
    ("version", "offhook.cli.version:version", "Print what is installed."),
)
for _name, _where, _help in COMMANDS:
    app.command(_where, name=_name, help=_help)


def exit_code(error: OffhookError) -> int:
    """What the shell is told about `error`."""
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code and never raises what a user could cause."""
    try:
        return app(arguments, exit_on_error=False) or 0
    except CycloptsError:  # it has been printed with the usage
        return USAGE
    except OffhookError as error:
        first, _, _ = str(error).partition("\n")
        print(f"offhook: {first}", file=sys.stderr)
        return exit_code(error)
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED


def main() -> None:
    """The entry point."""
    sys.exit(run())


if __name__ == "__main__":
    main()
