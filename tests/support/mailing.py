"""A real mail server on 127.0.0.1 (aiosmtpd, which we did not write): plain, with STARTTLS, or TLS from the start; with a login or without."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

from tests.support.serving import free_port

USER, PASSWORD = "hub", "a p@ss/word"


class Server:
    """What it took, and where it listens. `refuses` is what it answers to a recipient instead of taking it, `refuses_data` to a letter.

    raw: the bytes of the letters; to: whom they were for, as their envelopes said.
    """

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.to: list[list[str]] = []
        self.senders: list[str] = []
        self.encrypted: list[bool] = []
        self.logins: list[str] = []
        self.refuses = ""
        self.refuses_data = ""
        self.port = free_port()

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.refuses_data:
            return self.refuses_data
        letter = BytesParser(policy=default).parsebytes(_bytes(envelope.content))
        assert isinstance(letter, EmailMessage)
        self.taken.append(letter)
        self.raw.append(_bytes(envelope.content))
        self.to.append([str(one) for one in envelope.rcpt_tos])
        self.senders.append(str(envelope.mail_from))
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        self.logins.append(data.login.decode())
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)


def _bytes(content: str | bytes | None) -> bytes:
    assert isinstance(content, bytes)  # unless aiosmtpd is told to decode it
    return content


@contextmanager
def server(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, login: bool = False
) -> Iterator[Server]:
    """One for the length of a `with`."""
    seen = Server()
    options: dict[str, Any] = {"auth_required": True, "authenticator": seen.authenticate} if login else {}
    controller = Controller(
        seen,
        hostname="127.0.0.1",
        port=seen.port,
        ssl_context=tls,
        tls_context=starttls,
        auth_require_tls=bool(starttls),
        **options,
    )
    controller.start()
    try:
        yield seen
    finally:
        controller.stop()
