"""What the house that a platform runs in lays down for all its calls. Plain data."""

import msgspec

# Recorder tones are to come every 12 to 15 seconds (47 CFR 64.501, as it was).
BEEP_SECONDS = 15.0
PARK_SECONDS = 60.0


class HouseRules(msgspec.Struct, frozen=True):
    """`beep_every` is how many seconds pass from beep to beep while something is recorded with beeps; 0 has one beep at
    the beginning only. `park_seconds` is how long a parked call that is not answered waits for each command."""

    beep_every: float = BEEP_SECONDS
    park_seconds: float = PARK_SECONDS
