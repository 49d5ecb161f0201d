"""HTML as its reader sees it."""

import pytest

from connectors.mail2sms.parse import html
from connectors.mail2sms.parse.styles import hidden, hides
from tests.support.written import mime, part, refusal, text


def seen(source: str | bytes, kind: str = "text/html; charset=utf-8") -> str:
    return text(mime(part(source, kind)))


HIDDEN = [
    "<div style='display:none'>Preheader</div>",
    "<div style='color:#fff; DISPLAY : None !important;'>Preheader</div>",
    "<span style='font-size:0px'>Preheader</span>",
    "<div style='max-height:0;overflow:hidden'>Preheader</div>",
    "<div style='mso-hide:all'>Preheader</div>",
    "<div style='visibility:hidden'>Preheader <b>again</b></div>",
    "<p hidden>Preheader</p>",
    "<div class='Preheader'>Preheader</div>",
    "<style>.x, p#y { color:red; display:none }</style><div class='a x'>Preheader</div><p id=y>Preheader</p>",
    "<!-- Preheader --><script>Preheader</script><title>Preheader</title>",
    "<!--[if mso]><p>Preheader</p><![endif]-->",
]


@pytest.mark.parametrize("source", HIDDEN)
def test_case_2_of_a_page_only_what_is_seen_is_sent(source: str) -> None:
    assert seen(f"<html><body>{source}<p>Bonjour</p></body></html>") == "Bonjour"


def test_what_is_hidden_on_some_screens_only_is_seen() -> None:
    sheet = "<style>@media (max-width:600px){ .x { display:none } } .y{font-size:10px;opacity:0.5}</style>"
    assert seen(f"{sheet}<p class=x>Bonjour</p><p class=y>Anne") == "Bonjour\n\nAnne"


@pytest.mark.parametrize(
    "source, lines",
    [
        ("a<br>b<BR/>c", "a\nb\nc"),
        ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
        ("<div>a<br></div><div>b</div>", "a\nb"),
        ("<p>a</p><p>b", "a\n\nb"),
        ("<p class=MsoNormal>a</p><p class=MsoNormal>b", "a\nb"),
        ("<p style='margin: 0 0 0 0'>a</p><p style='margin-top:0'>b", "a\nb"),
        ("a <b>b</b>\n  <i> c</i>d", "a b cd"),
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("<table><tr><td>a</td><td> b</td></tr><tr><td>c</table>d", "a b\nc\n\nd"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("a&nbsp;&amp;&#233;&#xD800;&zwnj;b", "a &éb"),
        ("<a href='https://example.org'>ici</a><img alt=x>", "ici"),
        ("<h1>Titre</h1>texte", "Titre\n\ntexte"),
    ],
)
def test_a_page_becomes_lines(source: str, lines: str) -> None:
    assert seen(source) == lines


@pytest.mark.parametrize(
    "quote",
    [
        '<div class="gmail_quote"><div class="gmail_attr">Le 26 nov. a écrit :<br></div><blockquote>Ancien</blockquote></div>',
        '<div class="moz-cite-prefix">Le 26/11/2026 à 10:00, Bob a écrit :<br></div><blockquote type="cite">Ancien</blockquote>',
        '<blockquote type="cite"><div>Le 26 nov. 2026 à 10:00, Bob a écrit :</div><div>Ancien</div></blockquote>',
        '<hr><div id="divRplyFwdMsg"><b>De :</b> Bob</div><div>Ancien</div></div><p>Ancien',
        '<div id="appendonsend"></div><p>Ancien',
        '<div style="border-top:solid #E1E1E1 1.0pt"><p>De&nbsp;: Bob<br>Envoyé&nbsp;: jeudi<br>Objet&nbsp;: y</p></div>Ancien',
        '<div class="yahoo_quoted">Ancien</div>',
        '<div class="gmail_signature">Bob</div>',
        '<div id="ms-outlook-mobile-signature">Sent</div>',
    ],
)
def test_case_40_quotes_and_signatures_of_pages_are_left_out(quote: str) -> None:
    assert seen(f"<div><p>Oui, merci</p>{quote}</div>") == "Oui, merci"


def test_what_stands_below_a_quote_is_new() -> None:
    assert seen("<p>Oui</p><blockquote>Ancien<p>x</blockquote>et non") == "Oui\n\net non"


def test_what_is_indented_is_new() -> None:
    assert seen('<blockquote style="margin:0 0 0 40px;border: none;padding:0px">Bonjour</blockquote>') == "Bonjour"


def test_a_charset_is_declared_in_the_page_where_the_mail_says_none() -> None:
    page = "<meta http-equiv='Content-Type' content='text/html; charset=koi8-r'><p>Привет".encode("koi8-r")
    assert seen(page, "text/html") == "Привет"
    assert seen(page, "text/html; charset=koi8-r") == "Привет"


@pytest.mark.parametrize("source", ["<div>" * 20_000 + "Bonjour", "<b>" * 300 + "Bonjour", "<b>x</b>" * 250_000])
def test_a_page_that_is_too_deep_or_too_long_is_an_error_and_no_empty_text(source: str) -> None:
    assert refusal(mime(part(source, "text/html"))) == "too_complex"


def test_a_page_of_more_than_four_megabytes_is_too_large() -> None:
    assert refusal(mime(part("x" * (html.MOST + 1), "text/html"))) == "too_large"


def test_a_wide_table_is_its_cells_and_no_blanks() -> None:
    rows = "<tr><td>y</td></tr>" * 2_000
    assert len(seen(f"<table><tr><td>{'x' * 100_000}</td></tr>{rows}</table>")) == 104_000


@pytest.mark.parametrize(
    "source", ["", "<!-- nothing -->", "<p>&nbsp;</p>", "<?xml version='1.0' encoding='latin-1'?>", "<html hidden>x"]
)
def test_a_page_of_nothing_has_no_text(source: str) -> None:
    assert refusal(mime(part(source, "text/html"))) == "no_body"


def test_a_page_may_begin_as_xml_does() -> None:
    assert seen("<?xml version='1.0' encoding='latin-1'?><html><body>Été") == "Été"


def test_styles_are_read_whatever_is_in_them() -> None:
    assert list(hidden("{{{}}}} .a{display:none} } /* .b{ */ .c>d{display:none} .e,#f{a:b;Display: none ;}")) == [
        ".a",
        ".e",
        "#f",
    ]
    assert not hides("display:nonesuch; font-size:0.9em; opacity:0.5; max-height:05")
