"""The table of the commands that only TeXML's verbs give: the API does not have them."""

from offhook.voice.command import CommandRule
from offhook.voice.commands.verb import adopt, end, enter_conference, gather_prompts, ring, withdraw

RING: CommandRule = ring.RULE

VERB_COMMANDS: dict[str, CommandRule] = {
    rule.name: rule for rule in (adopt.RULE, end.RULE, enter_conference.RULE, gather_prompts.RULE, withdraw.RULE)
}
