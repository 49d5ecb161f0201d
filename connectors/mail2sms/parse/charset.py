"""Octets as text: by what is declared, where it is a charset of texts; else UTF-8; else what Windows writes.

Python's own list of codecs holds some that are none for texts (hex, zlib, idna), and some names can't even be looked up: a list of those
that mails use goes before it.
"""

import re
from typing import Final

_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# Declared by habit, these are cp1252: 0x80 is the euro sign (as browsers read them, WHATWG Encoding section 4.2).
_WINDOWS: Final = frozenset(
    {"iso88591", "latin1", "l1", "isolatin1", "cp819", "windows1252", "cp1252", "ansi", "xansi"}
)
_SAME: Final = {
    "utf8": "utf-8",
    "unicode11utf8": "utf-8",
    "utf16": "utf-16",
    "utf16le": "utf-16-le",
    "utf16be": "utf-16-be",
    "utf32": "utf-32",
    "utf7": "utf-7",
    "unicode11utf7": "utf-7",
    "usascii": "ascii",
    "ascii": "ascii",
    "iso646us": "ascii",
    "iso88598i": "iso8859-8",
    "iso88598e": "iso8859-8",
    "iso88599": "cp1254",
    "iso2022jp": "iso2022_jp",
    "iso2022jp1": "iso2022_jp_1",
    "iso2022jp2": "iso2022_jp_2",
    "iso2022jpms": "iso2022_jp",
    "iso2022kr": "iso2022_kr",
    "shiftjis": "cp932",
    "sjis": "cp932",
    "xsjis": "cp932",
    "windows31j": "cp932",
    "cp932": "cp932",
    "eucjp": "euc_jp",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "hzgb2312": "hz",
    "big5": "big5",
    "big5hkscs": "big5hkscs",
    "euckr": "cp949",
    "ksc56011987": "cp949",
    "cp949": "cp949",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "tis620": "cp874",
    "windows874": "cp874",
    "macintosh": "mac_roman",
    "xmacroman": "mac_roman",
    "cp437": "cp437",
    "ibm437": "cp437",
    "cp850": "cp850",
    "ibm850": "cp850",
    "cp858": "cp858",
    **{f"iso8859{part}": f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 14, 15, 16)},
    **{f"windows125{page}": f"cp125{page}" for page in (0, 1, 3, 4, 5, 6, 7, 8)},
    **{f"cp125{page}": f"cp125{page}" for page in (0, 1, 3, 4, 5, 6, 7, 8)},
}
_PUNCTUATION: Final = re.compile(r"[^a-z0-9]+")


def decode(data: bytes, declared: str) -> str:
    """The text. declared: the charset as a mail names it, or "". A mark at the beginning is gone."""
    for name in _ways(data, declared):
        try:
            return data.decode(name).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    return data.decode("cp1252", "ignore")  # five of its octets mean nothing


def is_known(declared: str) -> bool:
    """Whether it is a charset of texts."""
    return _codec(declared) is not None


def _ways(data: bytes, declared: str) -> list[str]:
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    return [name for name in (marked, _codec(declared), "utf-8") if name]


def _codec(declared: str) -> str | None:
    name = _PUNCTUATION.sub("", declared[:40].lower())
    return "cp1252" if name in _WINDOWS else _SAME.get(name)
