"""
What somebody wrote in a reply, without what mail programs add: the message they answer and the line of the telephone.

Only what is surely of a program is cut, and only at the end. Answers written between the quoted lines stay with them; so do the name,
the document and the address under which a petition is signed, which the law asks for (Ley 1755 de 2015, art. 16).
"""

from __future__ import annotations

import re

from app.domain.text import plain

#: How many lines a program may break "On Monday… wrote:" into.
WRAPPED = 4
#: Lines that the block of headers over a quoted message of Outlook may have.
HEADERS = 8
#: A signature after `--` is short; what is longer was written.
SIGNATURE = 15

_WROTE = re.compile(
    r"(?:el|on|em|le)\s.{4,400}?(?:escribio|wrote|escreveu|a ecrit)\s?:|"
    r"\d{4}-\d\d-\d\d \d\d?:\d\d.{0,120}<\S+@\S+>:|"
    r".{1,120}<\S+@\S+>\s?(?:escribio|wrote)\s?:"
)
_SEPARATOR = re.compile(r"[-_ ]{2,}\s*(?:mensaje original|original message|mensaje anterior)\s*[-_ ]{2,}")
_FORWARD = re.compile(r"[-_ ]{2,}\s*(?:mensaje reenviado|forwarded message|mensaje encaminado)\s*[-_ ]{2,}|inicio del mensaje reenviado:")
_FROM = re.compile(r"[>*\s]*(?:de|from|von)\s?\*?:\*?\s*\S")
_OTHER_HEADER = re.compile(r"[>*\s]*(?:enviado(?: el)?|sent|fecha|date|para|to|cc|asunto|subject|responder a)\s?\*?:")
_RULE = re.compile(r"\s*_{10,}\s*")
_TELEPHONE = re.compile(
    r"(?:enviado|sent|mandado)\s(?:desde|from|con)\s(?:mi|my|el|correo|outlook|yahoo|mail|gmail|samsung|aqua|un|a|la)\b.{0,100}|"
    r"(?:obtener|obtenga|get)\soutlook\s(?:para|for)\s.{0,100}|descargue outlook.{0,80}|"
    r"libre de virus\.?.{0,60}|virus-free\.?.{0,60}"
)
_DISCLAIMER = re.compile(
    r"[*\s]*(?:aviso (?:legal|de confidencialidad|de privacidad)|clausula de confidencialidad|confidencialidad:|nota de confidencialidad|"
    r"confidentiality notice|disclaimer|(?:este|el presente) (?:mensaje|correo|e-mail)(?: electronico)?[^.]{0,120}"
    r"(?:confidencial|privilegiad|exclusiv|destinatari)|this (?:message|e-?mail)[^.]{0,120}(?:confidential|privileged|intended)|"
    r"antes de imprimir|please consider the environment)"
)


def reply_of(text: str, *, is_forward: bool = False) -> str:
    """
    Return what its sender wrote in *text*; all of it when nothing would be left.

    Args:
        is_forward: The sender passes somebody's message on: what follows is what they want to be read.
    """
    lines = text.split("\n")
    folded = [plain(line) for line in lines]
    end = len(lines) if is_forward else _quote_from(lines, folded)
    end = _sign_off_from(folded, _signature_from(lines, end))
    kept = "\n".join(lines[:end]).strip()
    return kept if re.search(r"\w", kept) else text.strip()


def _quote_from(lines: list[str], folded: list[str]) -> int:
    """Return the first line of the message that is answered; the number of lines when there is none."""
    for i, line in enumerate(folded):
        if _FORWARD.match(line.strip()):
            return len(lines)
        if _SEPARATOR.match(line.strip()) or _is_block(folded, i):
            return i - 1 if i and _RULE.fullmatch(lines[i - 1]) else i
        if (after := _attribution_end(folded, i)) and not _is_interleaved(lines[after:]):
            return i
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith(">")):
        end -= 1
    return end


def _attribution_end(folded: list[str], i: int) -> int:
    """Return the line after "On Monday… wrote:" that begins at *i*, 0 when none does."""
    joined = ""
    for j in range(i, min(i + WRAPPED, len(folded))):
        joined = f"{joined} {folded[j].strip(' >*')}".strip()
        if joined.endswith(":") and len(joined) < 500 and _WROTE.fullmatch(joined):
            return j + 1
        if not folded[j].strip() or (j == i and not _may_begin(joined)):
            break
    return 0


def _may_begin(line: str) -> bool:
    return line.startswith(("el ", "on ", "em ", "le ")) or line[:4].isdecimal() or "@" in line


def _is_interleaved(rest: list[str]) -> bool:
    """Say whether somebody wrote between the lines of what they quote."""
    is_quoted = [line.lstrip().startswith(">") for line in rest if line.strip()]
    first = next((i for i, quoted in enumerate(is_quoted) if quoted), None)
    if first is None:
        return False
    own = [line for line in rest if line.strip() and not line.lstrip().startswith(">")]
    return not all(is_quoted[first:]) and any(not _is_of_program(plain(line).strip()) for line in own)


def _is_block(folded: list[str], i: int) -> bool:
    """Say whether the headers of a quoted message begin at line *i*: who it is from, and at least two more."""
    if not _FROM.match(folded[i]):
        return False
    following = [line for line in folded[i + 1 : i + 1 + HEADERS] if line.strip()]
    return sum(bool(_OTHER_HEADER.match(line)) for line in following) >= 2


def _signature_from(lines: list[str], end: int) -> int:
    """Return where the signature after the line `--` begins, or *end*."""
    first = max(0, end - SIGNATURE - 1)
    return next((i for i in range(first, end) if lines[i].rstrip() == "--" and i), end)


def _sign_off_from(folded: list[str], end: int) -> int:
    """Return where the lines that telephones, mail servers and lawyers add at the end begin."""
    while end:
        line = folded[end - 1].strip(" *_-")
        if line and not _is_of_program(line):
            start = _paragraph_from(folded, end)
            if not (start and _DISCLAIMER.match(folded[start])):
                break
            end = start
        else:
            end -= 1
    return end


def _is_of_program(line: str) -> bool:
    return not line or bool(_TELEPHONE.fullmatch(line))


def _paragraph_from(folded: list[str], end: int) -> int:
    start = end - 1
    while start and folded[start - 1].strip():
        start -= 1
    return start
