"""How a mail is turned away in the middle of a decision: raised where that is found, caught where it is written down."""

from connectors.mail2sms.mail import Wrong


class Turned(Exception):  # noqa: N818 - what happens to the mail
    """The mail is not sent, for this reason. Raised in a transaction, it undoes it: nothing is reserved and nothing is sent."""

    def __init__(self, wrong: Wrong) -> None:
        super().__init__(wrong.code)
        self.wrong = wrong


def too_long(segments: int, most: int) -> Turned:
    """A text that is too long, with how long it is: nothing is ever cut off."""
    return Turned(Wrong("text_too_long", {"segments": segments, "most": most}))
