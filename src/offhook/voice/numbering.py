"""Phone numbers as people write them ⇄ +E.164, and the country behind one. A table and string work, no I/O.

The table knows calling codes, the prefixes dialled inside a country, and which country inside +1 has an area code.
It does not know whether a number is in service.
"""

import re
from typing import Literal

import msgspec

NumberFormat = Literal["+E.164", "E.164", "+E.164-national", "E.164-national"]

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_DIALLABLE = re.compile(r"\+?[0-9]{2,20}")
_SEPARATORS = str.maketrans("", "", " -.()\u00a0")

# Calling code → ISO 3166 alpha-2, the main country first where several share one.
_COUNTRIES = """
1:US,CA 7:RU,KZ 20:EG 27:ZA 30:GR 31:NL 32:BE 33:FR 34:ES 36:HU 39:IT,VA 40:RO 41:CH 43:AT 44:GB,GG,IM,JE 45:DK
46:SE 47:NO,SJ 48:PL 49:DE 51:PE 52:MX 53:CU 54:AR 55:BR 56:CL 57:CO 58:VE 60:MY 61:AU,CC,CX 62:ID 63:PH 64:NZ
65:SG 66:TH 81:JP 82:KR 84:VN 86:CN 90:TR 91:IN 92:PK 93:AF 94:LK 95:MM 98:IR 211:SS 212:MA,EH 213:DZ 216:TN
218:LY 220:GM 221:SN 222:MR 223:ML 224:GN 225:CI 226:BF 227:NE 228:TG 229:BJ 230:MU 231:LR 232:SL 233:GH 234:NG
235:TD 236:CF 237:CM 238:CV 239:ST 240:GQ 241:GA 242:CG 243:CD 244:AO 245:GW 246:IO 247:AC 248:SC 249:SD 250:RW
251:ET 252:SO 253:DJ 254:KE 255:TZ 256:UG 257:BI 258:MZ 260:ZM 261:MG 262:RE,YT 263:ZW 264:NA 265:MW 266:LS
267:BW 268:SZ 269:KM 290:SH 291:ER 297:AW 298:FO 299:GL 350:GI 351:PT 352:LU 353:IE 354:IS 355:AL 356:MT 357:CY
358:FI,AX 359:BG 370:LT 371:LV 372:EE 373:MD 374:AM 375:BY 376:AD 377:MC 378:SM 380:UA 381:RS 382:ME 383:XK 385:HR
386:SI 387:BA 389:MK 420:CZ 421:SK 423:LI 500:FK 501:BZ 502:GT 503:SV 504:HN 505:NI 506:CR 507:PA 508:PM 509:HT
590:GP,BL,MF 591:BO 592:GY 593:EC 594:GF 595:PY 596:MQ 597:SR 598:UY 599:CW,BQ 670:TL 672:NF 673:BN 674:NR 675:PG
676:TO 677:SB 678:VU 679:FJ 680:PW 681:WF 682:CK 683:NU 685:WS 686:KI 687:NC 688:TV 689:PF 690:TK 691:FM 692:MH
850:KP 852:HK 853:MO 855:KH 856:LA 880:BD 886:TW 960:MV 961:LB 962:JO 963:SY 964:IQ 965:KW 966:SA 967:YE 968:OM
970:PS 971:AE 972:IL 973:BH 974:QA 975:BT 976:MN 977:NP 992:TJ 993:TM 994:AZ 995:GE 996:KG 998:UZ
"""

# Inside +1: area codes of every country but the United States.
_NORTH_AMERICAN = {
    "CA": "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 387 403 416 418 428 431 437 438 450 468 474 506 "
    "514 519 548 579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807 819 825 867 873 879 902 905",
    "AG": "268", "AI": "264", "AS": "684", "BB": "246", "BM": "441", "BS": "242", "DM": "767", "DO": "809 829 849",
    "GD": "473", "GU": "671", "JM": "876 658", "KN": "869", "KY": "345", "LC": "758", "MP": "670", "MS": "664",
    "PR": "787 939", "SX": "721", "TC": "649", "TT": "868", "VC": "784", "VG": "284", "VI": "340",
}  # fmt: skip

# The digit dialled before a national number is "0" but for these. Italy's leading zero belongs to the number.
_NO_TRUNK = (
    "IT VA SM ES PT NO SJ DK PL CZ GR CY MT LU LV EE IS MC AD LI HK MO SG QA KW BH OM GI MX CR PA SV GT HN NI TN SN"
)
_TRUNK = {"RU": "8", "KZ": "8", "BY": "8", "TM": "8", "HU": "06"} | dict.fromkeys(_NO_TRUNK.split(), "")
_INTERNATIONAL = {
    "AU": "0011",
    "JP": "010",
    "KR": "00",
    "HK": "001",
    "SG": "001",
    "RU": "810",
    "KZ": "810",
    "TW": "002",
}


class _Plan(msgspec.Struct, frozen=True):
    """How one country dials."""

    code: str
    trunk: str
    international: str


def _plans() -> dict[str, _Plan]:
    plans: dict[str, _Plan] = {}
    for entry in _COUNTRIES.split():
        code, _, names = entry.partition(":")
        for name in names.split(","):
            plans[name] = _Plan(code, _TRUNK.get(name, "0"), _INTERNATIONAL.get(name, "00"))
    for name in ("US", *_NORTH_AMERICAN):
        plans[name] = _Plan("1", "1", "011")
    return plans


PLANS = _plans()
_BY_CODE = {code: names.split(",")[0] for code, _, names in (entry.partition(":") for entry in _COUNTRIES.split())}
_BY_AREA = {area: name for name, areas in _NORTH_AMERICAN.items() for area in areas.split()}


def compact(text: str) -> str | None:
    """The digits of a phone number, with its leading `+` if it has one; None for what is no phone number."""
    bare = text.translate(_SEPARATORS)
    return bare if _DIALLABLE.fullmatch(bare) else None


def readings(dialled: str, country: str) -> tuple[str, ...]:
    """What `dialled` (as from `compact`) may mean in +E.164 to somebody in `country`, the likeliest first."""
    if dialled.startswith("+"):
        return (dialled,)
    plan = PLANS.get(country, PLANS["US"])
    found: list[str] = []
    if dialled.startswith(plan.international):
        found.append("+" + dialled[len(plan.international) :])
    if plan.code == "1":
        found.append(f"+1{dialled}" if len(dialled) == 10 else f"+{dialled}")
    else:
        found.append(f"+{plan.code}{dialled.removeprefix(plan.trunk)}")
    found.append(f"+{dialled}")
    return tuple(dict.fromkeys(reading for reading in found if E164.fullmatch(reading)))


def country_of(e164: str) -> str | None:
    """The ISO 3166 alpha-2 code of the country a number belongs to; None for a code no country has."""
    digits = e164.removeprefix("+")
    if digits.startswith("1"):
        return _BY_AREA.get(digits[1:4], "US")
    if digits[:2] in ("76", "77"):
        return "KZ"
    return next((_BY_CODE[digits[:length]] for length in (1, 2, 3) if digits[:length] in _BY_CODE), None)


def national(e164: str) -> str:
    """The number without its calling code, and with no trunk prefix: +13125550100 is 3125550100."""
    country = country_of(e164)
    return e164.removeprefix("+" + PLANS[country].code) if country else e164.removeprefix("+")


def presented(number: str, form: NumberFormat, country: str | None) -> str:
    """A caller's number as a callee in `country` wants it; what is not +E.164 stays as it is."""
    if not E164.fullmatch(number):
        return number
    if form.endswith("national") and country is not None and country_of(number) == country:
        return national(number)
    return number if form.startswith("+") else number.removeprefix("+")
