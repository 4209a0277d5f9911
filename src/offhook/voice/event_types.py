"""The names of all events of the voice API, those included that this release never sends: backends may name them."""

EVENT_TYPES = frozenset((
    "call.ai_gather.ended", "call.ai_gather.message_history_updated", "call.ai_gather.partial_results",
    "call.analyzed", "call.answered", "call.bridged", "call.conversation.created", "call.conversation.ended",
    "call.conversation.start_failed", "call.conversation_insights.generated", "call.cost",
    "call.deepfake_detection.error", "call.deepfake_detection.result", "call.dequeued", "call.dtmf.received",
    "call.enqueued", "call.fork.started", "call.fork.stopped", "call.gather.ended", "call.hangup", "call.hold",
    "call.initiated", "call.machine.detection.ended", "call.machine.greeting.ended",
    "call.machine.premium.call_screening.detected", "call.machine.premium.detection.ended",
    "call.machine.premium.detection.started", "call.machine.premium.greeting.ended", "call.payment.completed",
    "call.payment.progress", "call.playback.ended", "call.playback.started", "call.recording.error",
    "call.recording.saved", "call.recording.transcription.saved", "call.refer.completed", "call.refer.failed",
    "call.refer.started", "call.sip_info.received", "call.speak.ended", "call.speak.started", "call.transcription",
    "call.unhold", "conference.created", "conference.ended", "conference.floor.changed",
    "conference.participant.joined", "conference.participant.left", "conference.participant.playback.ended",
    "conference.participant.playback.started", "conference.participant.speak.ended",
    "conference.participant.speak.started", "conference.playback.ended", "conference.playback.started",
    "conference.recording.saved", "conference.speak.ended", "conference.speak.started", "siprec.failed",
    "siprec.started", "siprec.stopped", "streaming.failed", "streaming.started", "streaming.stopped",
))  # fmt: skip
