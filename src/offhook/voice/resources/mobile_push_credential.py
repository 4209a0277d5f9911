"""Mobile push credentials: what Apple or Google ask of a server before it may wake an app. Kept sealed."""

from typing import Any

from offhook.voice.resources.field import Field, choice, moment, text
from offhook.voice.resources.problem import Problem
from offhook.voice.resources.resource import Filter, Resource

MAX_PEM = 16_384
# What a credential of each type consists of.
SECRETS: dict[str, tuple[str, ...]] = {
    "ios": ("certificate", "private_key"),
    "android": ("project_account_json_file",),
}

MOBILE_PUSH_CREDENTIALS = Resource(
    path="mobile_push_credentials",
    title="mobile push credential",
    record_type="push_credential",
    id_form="uuid",
    table="push_credentials",
    fields=(
        text("id", read_only=True),
        text("record_type", read_only=True),
        text("alias", required=True, low=1, high=256),
        choice("type", tuple(SECRETS), None, required=True),
        text("certificate", low=1, high=MAX_PEM),
        text("private_key", low=1, high=MAX_PEM),
        Field("project_account_json_file", "map"),
        moment("created_at", read_only=True),
        moment("updated_at", read_only=True),
    ),
    actions=("create", "list", "show", "delete"),
    columns=(("alias", "alias"), ("type", "type")),
    filters=(Filter("alias", "alias"), Filter("type", "type", choices=tuple(SECRETS))),
    deleted="unseen",
)


def check_secrets(document: dict[str, Any]) -> list[Problem]:
    """What a credential of its type lacks, or has of another type's."""
    own = SECRETS[document["type"]]
    every = [name for names in SECRETS.values() for name in names]
    lacking = [name for name in own if not document[name]]
    foreign = [name for name in every if name not in own and document[name] is not None]
    return [Problem("10004", f"The {name} parameter is required.", f"/{name}") for name in lacking] + [
        Problem("10015", f"{name} is not for this type.", f"/{name}") for name in foreign
    ]
