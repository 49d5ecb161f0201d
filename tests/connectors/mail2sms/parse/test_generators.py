"""Mails as programs write them: Python's old and new ways, and nodemailer in JavaScript."""

from collections.abc import Callable, Iterator
from email import policy
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import BytesParser
from email.policy import Policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mail2sms.parse import fields, parts
from tests.support.nodemailer import Nodemailer
from tests.support.written import GATEWAY, NUMBER, SENDER, content, headers, refusal

TEXT = "Été à Nîmes : 10 € 🎉\n\n> 20 EUR offerts\n-- entree\n" + "Une longue ligne, " * 60
CSV = "Mobile;Prénom\n0612345678;Zoé\n"


def new_style(text: str) -> EmailMessage:
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["To"], made["Subject"] = f"Zoé <{SENDER}>", NUMBER, "Été " * 30
    made.set_content(text)
    made.add_alternative(f"<p>{text}", subtype="html")
    made.add_attachment(CSV, subtype="csv", filename="été.csv")
    return made


def old_style(text: str) -> MIMEMultipart:
    made = MIMEMultipart("mixed")
    made["From"], made["To"], made["Subject"] = f"=?utf-8?b?Wm/DqQ==?= <{SENDER}>", NUMBER, "Été " * 30
    both = MIMEMultipart("alternative")
    both.attach(MIMEText(text, "plain", "utf-8"))
    both.attach(MIMEText(f"<p>{text}", "html", "utf-8"))
    made.attach(both)
    attached = MIMEText(CSV, "csv", "utf-8")
    attached.add_header("Content-Disposition", "attachment", filename=("utf-8", "fr", "été.csv"))
    made.attach(attached)
    return made


WAYS = [
    *((new_style, how) for how in (policy.default, policy.SMTP, policy.SMTPUTF8)),
    *((old_style, how) for how in (policy.compat32, policy.default)),
]


@pytest.mark.parametrize("make, how", WAYS)
def test_what_python_writes_is_read(make: Callable[[str], EmailMessage], how: Policy) -> None:
    raw = make(TEXT).as_bytes(policy=how)
    found = content(raw)
    assert found.text == TEXT.strip()
    assert [(row.number, dict(row.fields)) for row in found.rows] == [("0612345678", {"prenom": "Zoé"})]
    assert headers(raw).sender == SENDER
    assert headers(raw).to == (NUMBER,)
    assert headers(raw).subject == ("Été " * 30).strip()


@pytest.fixture(scope="module")
def nodemailer() -> Iterator[Nodemailer]:
    with Nodemailer() as made:
        yield made


@pytest.mark.peer
def test_what_nodemailer_writes_is_read(nodemailer: Nodemailer) -> None:
    attached = {"filename": "été.csv", "content": CSV}
    told: dict[str, Any] = {
        "sender": f"Zoé <{SENDER}>",
        "to": [NUMBER, f"Bob <0612345679@{GATEWAY}>"],
        "subject": "Été " * 30,
    }
    ways: list[dict[str, Any]] = [{}, {"textEncoding": "base64"}, {"encoding": "utf-8", "newline": "unix"}]
    for more in ways:
        raw = nodemailer(**told, text=TEXT, html=f"<p>{TEXT}</p>", attachments=[attached], **more)
        found = content(raw)
        assert found.text == TEXT.strip()
        assert [(row.number, dict(row.fields)) for row in found.rows] == [("0612345678", {"prenom": "Zoé"})]
        assert headers(raw).to == (NUMBER, f"0612345679@{GATEWAY}")
        assert headers(raw).subject == ("Été " * 30).strip()
        assert headers(raw).message_id


@pytest.mark.peer
def test_case_44_an_invitation_of_nodemailer_is_refused(nodemailer: Nodemailer) -> None:
    invitation = {"method": "REQUEST", "content": "BEGIN:VCALENDAR\r\nEND:VCALENDAR"}
    assert refusal(nodemailer(sender=SENDER, to=NUMBER, text="Venez", icalEvent=invitation)) == "calendar"


@pytest.mark.peer
def test_case_2_a_page_of_nodemailer_is_what_is_seen(nodemailer: Nodemailer) -> None:
    page = "<div style='display:none'>Preheader</div><p>Bonjour <img src='cid:x'></p>"
    image = {"cid": "x", "filename": "x.png", "content": "x"}
    assert content(nodemailer(sender=SENDER, to=NUMBER, html=page, attachments=[image])).text == "Bonjour"


def _leaf(text: str, subtype: str, cte: str) -> EmailMessage:
    made = EmailMessage()
    made.set_content(text, subtype=subtype, cte=cte)
    return made


def _branch(kind: str, children: list[EmailMessage]) -> EmailMessage:
    made = EmailMessage()
    made["Content-Type"] = f"multipart/{kind}"
    for child in children:
        made.attach(child)
    return made


LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=80)
TREES = st.recursive(
    st.builds(
        _leaf,
        LETTERS,
        st.sampled_from(["plain", "html", "csv"]),
        st.sampled_from(["base64", "quoted-printable", "8bit"]),
    ),
    lambda trees: st.builds(
        _branch, st.sampled_from(["mixed", "alternative", "related"]), st.lists(trees, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


@given(TREES, st.booleans())
def test_parts_are_those_that_pythons_own_parser_finds(tree: EmailMessage, windows: bool) -> None:
    raw = tree.as_bytes(policy=policy.default.clone(linesep="\r\n" if windows else "\n", cte_type="8bit"))
    theirs = [part for part in BytesParser(policy=policy.compat32).parsebytes(raw).walk() if not part.is_multipart()]
    head = fields.read(raw, 0, len(raw), parts.MOST_HEAD)
    assert head is not None
    ours = list(parts.read(raw, head).leaves())
    assert [part.media.kind for part in ours] == [part.get_content_type() for part in theirs]
    assert [parts.content(raw, part) for part in ours] == [part.get_payload(decode=True) for part in theirs]
