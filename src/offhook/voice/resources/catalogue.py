"""Every resource there is, in the order of the reference. No rules."""

from offhook.voice.resources.active_call import ACTIVE_CALLS
from offhook.voice.resources.call_control_application import CALL_CONTROL_APPLICATIONS
from offhook.voice.resources.call_event import CALL_EVENTS
from offhook.voice.resources.conference import CONFERENCES, PARTICIPANTS
from offhook.voice.resources.connection import CONNECTIONS
from offhook.voice.resources.credential_connection import CREDENTIAL_CONNECTIONS
from offhook.voice.resources.detail_record import DETAIL_RECORDS
from offhook.voice.resources.gateway import FQDNS, IPS
from offhook.voice.resources.media_file import MEDIA_FILES
from offhook.voice.resources.mobile_push_credential import MOBILE_PUSH_CREDENTIALS
from offhook.voice.resources.outbound_voice_profile import OUTBOUND_VOICE_PROFILES
from offhook.voice.resources.phone_number import NUMBER_VOICE, PHONE_NUMBERS
from offhook.voice.resources.queue import QUEUE_CALLS, QUEUES
from offhook.voice.resources.recording import RECORDINGS
from offhook.voice.resources.recording_transcription import RECORDING_TRANSCRIPTIONS
from offhook.voice.resources.resource import Resource
from offhook.voice.resources.telephony_credential import TELEPHONY_CREDENTIALS
from offhook.voice.resources.texml_application import TEXML_APPLICATIONS
from offhook.voice.resources.trunk_connection import FQDN_CONNECTIONS, IP_CONNECTIONS, UAC_CONNECTIONS
from offhook.voice.resources.webhook_delivery import WEBHOOK_DELIVERIES

RESOURCES: tuple[Resource, ...] = (
    CREDENTIAL_CONNECTIONS,
    TELEPHONY_CREDENTIALS,
    PHONE_NUMBERS,
    NUMBER_VOICE,
    OUTBOUND_VOICE_PROFILES,
    CALL_CONTROL_APPLICATIONS,
    TEXML_APPLICATIONS,
    IP_CONNECTIONS,
    IPS,
    FQDN_CONNECTIONS,
    FQDNS,
    UAC_CONNECTIONS,
    CONNECTIONS,
    ACTIVE_CALLS,
    DETAIL_RECORDS,
    QUEUES,
    QUEUE_CALLS,
    CONFERENCES,
    PARTICIPANTS,
    MEDIA_FILES,
    RECORDINGS,
    RECORDING_TRANSCRIPTIONS,
    CALL_EVENTS,
    WEBHOOK_DELIVERIES,
    MOBILE_PUSH_CREDENTIALS,
)
