r"""LaTeX as bibliographies use it, to plain text. Pure.

Commands are replaced one by one, in time that grows with the text and no faster: latexcodec, which pybtex brings,
takes seconds for one long abstract. Commands that say a typeface leave their words; braces, and the dollars of
formulas, go. What no table knows loses its backslash and keeps its words: \LaTeX{} is « LaTeX ».
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# \'e \'{e} {\'e} \c{c} \c c \v{r} \'\i \'{\i} \H{o}: a command that changes the letter after it.
_ACCENT = re.compile(
    r"\\([`'^\"~=.]|[bcdHkrtuvG](?![a-zA-Z]))\s{0,9}(?:\{\s?\\?([^\W\d_]{1,2})\s?\}|\\([ij])(?![a-zA-Z])|([^\W\d_]))"
)
_COMBINING = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    '"': "\u0308",
    "~": "\u0303",
    "=": "\u0304",
    ".": "\u0307",
    "b": "\u0331",
    "c": "\u0327",
    "d": "\u0323",
    "H": "\u030b",
    "k": "\u0328",
    "r": "\u030a",
    "t": "\u0361",
    "u": "\u0306",
    "v": "\u030c",
    "G": "\u030f",
}
_COMMAND = re.compile(r"\\([a-zA-Z]+)\*?[ \t]*(\{\})?")
_SIGN = re.compile(r"\\([^a-zA-Z\s])")
_SCRIPT = re.compile(r"(?<!\\)[_^](?=\{|\\|\w)")
_FORMULA = re.compile(r"(?<!\\)\$([^$]{1,2000})(?<!\\)\$")
_DROPPED = re.compile(r"\\(?:noopsort|nooparg|hspace|vspace|hskip|kern)\s{0,9}\{[^{}]{0,200}\}")
_SWITCHED = re.compile(r"\\switchargs\s{0,9}\{([^{}]{0,200})\}\s{0,9}\{([^{}]{0,200})\}")
_QUOTED = re.compile(r"\\(?:mkbibquote|enquote)\{((?:[^{}]|\{[^{}]{0,200}\}){0,500})\}")
_TYPEFACES = frozenset(
    """
    textit textbf textsc textrm textsf texttt textup textsl textmd textnormal textsuperscript textsubscript emph
    mkbibemph mkbibitalic mkbibbold mbox hbox text mathrm mathit mathbf mathsf mathcal mathbb ensuremath url href
    it bf sc rm sf tt em sl small tiny large Large bgroup egroup uppercase lowercase MakeUppercase relax protect
    underline displaystyle left right rmfamily itshape bfseries scshape path nolinkurl autocap
    """.split()  # noqa: SIM905
)
_WORDS = {
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "aa": "å",
    "AA": "Å",
    "o": "ø",
    "O": "Ø",
    "l": "ł",
    "L": "Ł",
    "ss": "ß",
    "i": "i",
    "j": "j",
    "dh": "ð",
    "DH": "Ð",
    "dj": "đ",
    "DJ": "Đ",
    "th": "þ",
    "TH": "Þ",
    "ng": "ŋ",
    "NG": "Ŋ",
    "S": "§",
    "P": "¶",
    "copyright": "©",
    "textcopyright": "©",
    "textregistered": "®",
    "texttrademark": "™",
    "pounds": "£",
    "textsterling": "£",
    "euro": "€",
    "texteuro": "€",
    "EUR": "€",
    "textbullet": "•",
    "textdollar": "$",
    "textquotedbl": '"',
    "textperiodcentered": "·",
    "guillemetleft": "«",
    "guillemetright": "»",
    "textquotesingle": "'",
    "textquotedblleft": "“",
    "textquotedblright": "”",
    "textquoteleft": "‘",
    "textquoteright": "’",
    "textendash": "–",
    "textemdash": "—",
    "textbackslash": "\\",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "textunderscore": "_",
    "textellipsis": "…",
    "ldots": "…",
    "dots": "…",
    "cdots": "…",
    "slash": "/",
    "textdegree": "°",
    "degree": "°",
    "times": "×",
    "cdot": "·",
    "quad": " ",
    "qquad": " ",
    "space": " ",
    "newline": " ",
    "par": "\n\n",
    "guillemotleft": "«",
    "guillemotright": "»",
    "og": "« ",
    "fg": " »",
    "to": "→",
    "rightarrow": "→",
    "infty": "∞",
    "leq": "≤",
    "geq": "≥",
    "pm": "±",
    "sim": "~",
}
_HELD = {"\\{": "\ue000", "\\}": "\ue001", "\\$": "\ue002", "\\%": "\ue003", "\\\\": "\ue004", "\\~{}": "\ue005"}
_BACK = str.maketrans({"\ue000": "{", "\ue001": "}", "\ue002": "$", "\ue003": "%", "\ue004": " ", "\ue005": "~"})


def to_text(value: str) -> str:
    """The words of a LaTeX value.

    >>> to_text(r"{\\'E}tat des {HLM} : l'\\oe{}uvre -- \\emph{suite}")
    'État des HLM : l’œuvre – suite'.replace('’', "'")
    """
    if not any(sign in value for sign in "\\{}$~`'-"):
        return value
    text = value.replace("\\~{}", "\ue005")
    for written, held in _HELD.items():
        text = text.replace(written, held)
    if "\\" in text:
        text = _SWITCHED.sub(r"\2\1", _DROPPED.sub("", text))
        text = _ACCENT.sub(_accent, text)
    text = _FORMULA.sub(lambda found: _SCRIPT.sub("", found[1]), text)
    text = _QUOTED.sub(r"“\1”", text)
    if "\\" in text:
        text = _COMMAND.sub(lambda found: _command(found[1], found[2] or ""), text)
        text = _SIGN.sub(lambda found: "" if found[1] in "/-!@" else " " if found[1] in ",;: " else found[1], text)
    text = text.replace("---", "—").replace("--", "–").replace("``", "“").replace("''", "”")
    return text.replace("{", "").replace("}", "").replace("~", "\u00a0").translate(_BACK)


def _accent(found: re.Match[str]) -> str:
    """The letter with its accent in one sign; « c » of nothing, or of a sign, never comes here."""
    letters = found[2] or found[3] or found[4]
    return unicodedata.normalize("NFC", letters[0] + _COMBINING[found[1]] + letters[1:])


@lru_cache(maxsize=2048)
def _command(name: str, empty: str) -> str:
    if name in _TYPEFACES:
        return ""
    if name in _WORDS:
        return _WORDS[name]
    sort = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {sort} LETTER {name.upper().removeprefix('VAR')}")
    except KeyError:
        return name if empty else ""
