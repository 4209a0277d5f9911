"""`offhook openapi`: what the REST API is, for programs that generate clients, tests or pages from it."""

from importlib.metadata import version

import msgspec

from offhook.edge.openapi.document import document


def openapi() -> None:
    """Print the description of the REST API (OpenAPI 3.1).

    A running platform serves the same under `/_offhook/openapi.json`.
    """
    described = msgspec.json.encode(document(version("offhook")))
    print(msgspec.json.format(described, indent=2).decode())
