"""The names that apps use for voices, as a language and a gender that any engine has. A table; speaks nothing.

`female`, `male`           that gender in the command's language
`AWS.Polly.X`, `Polly.X`   the gender and the language of Amazon's voice X, whatever `language` says; `-Neural` and
                           the like change nothing. One that is not in the table: female, in the command's language
`Azure.xx-YY-Name`         the language in the name; the gender where the name is in the table, else female
anything else              (Telnyx, ElevenLabs, Minimax, Resemble, Inworld, xAI, …) the command's language; male where
                           the last part of the name is a man's name of the table, or says so, else female
"""

import re
from typing import Literal

import msgspec

Gender = Literal["female", "male"]

DEFAULT_LANGUAGE = "en-US"


class Voice(msgspec.Struct, frozen=True):
    """A voice: `language` is a BCP 47 tag, `name` is what the app called it."""

    language: str
    gender: Gender
    name: str


def voice_of(name: str, language: str) -> Voice:
    """The voice that comes nearest to a name; `language` is the command's, or empty."""
    provider, *rest = name.split(".")
    spoken = language or DEFAULT_LANGUAGE
    if provider == "AWS" and rest[:1] == ["Polly"]:
        rest = rest[1:]
    bare = _bare(rest[-1] if rest else provider)
    if provider in ("AWS", "Polly"):
        known = _POLLY.get(bare)
        return Voice(known or spoken, _gender(bare), name)
    if provider == "Azure" and rest and (found := _AZURE.match(rest[0])):
        return Voice(found[1], _gender(_bare(found[2])), name)
    return Voice(spoken, _gender(bare), name)


def _gender(bare: str) -> Gender:
    return "male" if bare in _MALE or bare.casefold() in ("male", "man") else "female"


def _bare(name: str) -> str:
    """`Joanna-Neural`, `ClaraNeural` and `Ava:DragonHDLatestNeural` are called by their first names."""
    return re.split(r"[-:]|(?<=[a-z])(?:Multilingual)?Neural", name, maxsplit=1)[0]


_AZURE = re.compile(r"([a-z]{2,3}-[A-Z]{2})-(.+)")
# Amazon's voices by language, from its public list.
_POLLY: dict[str, str] = {
    name: language
    for language, names in {
        "arb": "Zeina",
        "ar-AE": "Hala Zayd",
        "ca-ES": "Arlet",
        "cmn-CN": "Zhiyu",
        "cs-CZ": "Jitka",
        "cy-GB": "Gwyneth",
        "da-DK": "Naja Mads Sofie",
        "de-AT": "Hannah",
        "de-CH": "Sabrina",
        "de-DE": "Marlene Vicki Hans Daniel",
        "en-AU": "Nicole Russell Olivia",
        "en-GB": "Amy Emma Brian Arthur",
        "en-GB-WLS": "Geraint",
        "en-IE": "Niamh",
        "en-IN": "Aditi Raveena Kajal",
        "en-NZ": "Aria",
        "en-US": "Ivy Joanna Kendra Kimberly Salli Joey Justin Kevin Matthew Ruth Stephen Gregory Danielle Patrick",
        "en-ZA": "Ayanda",
        "es-ES": "Conchita Lucia Enrique Sergio Alba Raul",
        "es-MX": "Mia Andres",
        "es-US": "Lupe Penelope Miguel Pedro",
        "fi-FI": "Suvi",
        "fr-BE": "Isabelle",
        "fr-CA": "Chantal Gabrielle Liam",
        "fr-FR": "Celine Lea Mathieu Remi",
        "is-IS": "Dora Karl",
        "it-IT": "Carla Bianca Giorgio Adriano",
        "ja-JP": "Mizuki Takumi Kazuha Tomoko",
        "ko-KR": "Seoyeon Jihye",
        "nb-NO": "Liv Ida",
        "nl-BE": "Lisa",
        "nl-NL": "Lotte Ruben Laura",
        "pl-PL": "Ewa Maja Jacek Jan Ola",
        "pt-BR": "Camila Vitoria Ricardo Thiago",
        "pt-PT": "Ines Cristiano",
        "ro-RO": "Carmen",
        "ru-RU": "Tatyana Maxim",
        "sv-SE": "Astrid Elin",
        "tr-TR": "Filiz Burcu",
        "yue-CN": "Hiujin",
    }.items()
    for name in names.split()
}
_MALE = frozenset((
    "Adriano", "Andres", "Andrew", "Arthur", "Brian", "Christopher", "Cristiano", "Daniel", "Enrique", "Eric",
    "Geraint", "Giorgio", "Gregory", "Guy", "Hans", "Jacek", "Jan", "Joey", "Justin", "Karl", "Kevin", "Leo", "Liam",
    "Mads", "Mathieu", "Matthew", "Maxim", "Miguel", "Patrick", "Pedro", "Raul", "Remi", "Rex", "Ricardo", "Roger",
    "Ruben", "Russell", "Ryan", "Sergio", "Stephen", "Steffan", "Takumi", "Thiago", "Zayd",
))  # fmt: skip
