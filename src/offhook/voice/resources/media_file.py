"""Media files: audio that an account has uploaded, to be played by its name."""

from offhook.voice.resources.field import moment, text, url, whole
from offhook.voice.resources.resource import Filter, Resource

MAX_BYTES = 20 << 20
TTL_SECONDS = 2 * 86_400
MAX_TTL_SECONDS = 630_720_000

MEDIA_FILES = Resource(
    path="media",
    title="media file",
    record_type="media",
    id_form="name",
    table="",
    fields=(
        text("media_name", low=1, high=255, pattern=r"[^\x00-\x1f\x7f/\\]+", expects="a name without slashes",
             lives_in=("create",)),
        url("media_url", None, required=True, unseen=True),
        whole("ttl_secs", 1, MAX_TTL_SECONDS, TTL_SECONDS, unseen=True),
        text("content_type", read_only=True),
        moment("created_at", read_only=True),
        moment("expires_at", read_only=True),
        moment("updated_at", read_only=True),
    ),
    filters=(Filter("content_type", "content_type", ("in",)),),
)  # fmt: skip
