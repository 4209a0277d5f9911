"""What the API shows of an account itself: its money, and who it is. Amounts are texts, exact decimals. No I/O."""

from offhook.voice.resources.field import shown, text

BALANCE = shown(
    text("available_credit"),
    text("balance"),
    text("credit_limit"),
    text("currency"),
    text("pending"),
    text("record_type"),
)
# What only the platform's owner sets.
SETTABLE = (
    text("paid_in", pattern=r"[0-9]{1,9}(?:\.[0-9]{1,6})?", expects="an amount"),
    text("credit_limit", pattern=r"[0-9]{1,9}(?:\.[0-9]{1,6})?", expects="an amount"),
)
WHOAMI = shown(text("organization_id"), text("record_type"), text("user_id"))
