"""How a judge's reply about claims is read: the claims of an answer, and a verdict on each. Never a guess."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.judging.asking.reply import reply_body
from harness.judging.rubric.claim_criteria import PART
from harness.records.inputs import JSON
from harness.text.excerpts import shortened
from harness.text.json_objects import UnreadableError, last_object

CLAIMS_FORM = '{"claims": ["…", "…"]}'
VERDICTS_FORM = '{"verdicts": [{"claim": 1, "reason": "…", "supported": true | false}, …]}, one for each claim'
WORDS = {"true": True, "yes": True, "是": True, "支持": True, "false": False, "no": False, "否": False, "不支持": False}
MOST = 100  # a list that goes on longer is a reply that has lost itself


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """Whether the passages support a claim, and why."""

    claim: str
    is_supported: bool
    reason: str


def read_claims(text: str) -> tuple[str, ...]:
    """The claims, each once; none is a reading too. Raises UnreadableError for all that is no list of texts."""
    try:
        entries = _entries(text, "claims")
        claims = [entry.strip() for entry in entries if isinstance(entry, str)]
        if len(claims) < len(entries):
            raise UnreadableError("a claim is not a text")
    except UnreadableError as error:
        raise UnreadableError(f"{error}; expected {CLAIMS_FORM}") from error
    return tuple(dict.fromkeys(filter(None, claims)))


def read_support(text: str, claims: Sequence[str]) -> tuple[ClaimVerdict, ...]:
    """The verdict on each claim, in their order. Raises UnreadableError unless there is exactly one on each."""
    try:
        verdicts: dict[int, ClaimVerdict] = {}
        for entry in _entries(text, "verdicts"):
            number, verdict = _verdict(entry, claims)
            if verdicts.setdefault(number, verdict).is_supported != verdict.is_supported:
                raise UnreadableError(f"two different verdicts on claim {number}")
        missing = [number for number in range(1, len(claims) + 1) if number not in verdicts]
        if missing:
            raise UnreadableError(f"no verdict on claim {', '.join(map(str, missing[:5]))}")
    except UnreadableError as error:
        raise UnreadableError(f"{error}; expected {VERDICTS_FORM}") from error
    return tuple(verdicts[number] for number in range(1, len(claims) + 1))


def share_of(verdicts: Sequence[ClaimVerdict]) -> float:
    """Supported claims / claims, in [0, 1]. Es et al. 2023, section 3: F = |V| / |S|."""
    return sum(verdict.is_supported for verdict in verdicts) / len(verdicts)


def written_verdicts(verdicts: Sequence[ClaimVerdict]) -> str:
    """The count, then a line a claim with its verdict and the reason, for whoever looks at one item."""
    lines = [
        f"{'✓' if verdict.is_supported else '✗'} {verdict.claim}{f' ({verdict.reason})' if verdict.reason else ''}"
        for verdict in verdicts
    ]
    return "\n".join([f"{sum(verdict.is_supported for verdict in verdicts)} / {len(verdicts)}", *lines])


def numbered_claims(claims: Sequence[str]) -> str:
    """The claims as a judge is shown them."""
    return "\n".join(f"{number}. {' '.join(claim.split())}" for number, claim in enumerate(claims, 1))


def _entries(text: str, key: str) -> list[JSON]:
    fields = last_object(reply_body(text), [key])
    if fields is None:
        raise UnreadableError("no JSON object found")
    entries = fields[key]
    if not isinstance(entries, list):
        raise UnreadableError(f'"{key}" is no list')
    if len(entries) > MOST:
        raise UnreadableError(f'"{key}" has {len(entries):,} entries, more than {MOST}')
    return entries


def _verdict(entry: JSON, claims: Sequence[str]) -> tuple[int, ClaimVerdict]:
    if not isinstance(entry, dict):
        raise UnreadableError("a verdict is no object")
    number: Any
    number, verdict, reason = entry.get("claim"), entry.get(PART), entry.get("reason")
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    if not is_number or number not in range(1, len(claims) + 1):
        raise UnreadableError(f"{shortened(str(number), 40)} is the number of no claim")
    is_supported = WORDS.get(verdict.strip().casefold()) if isinstance(verdict, str) else verdict
    if not isinstance(is_supported, bool):
        raise UnreadableError(f'claim {number}: "{PART}" is neither true nor false')
    place = int(number)
    return place, ClaimVerdict(claims[place - 1], is_supported, reason.strip() if isinstance(reason, str) else "")
