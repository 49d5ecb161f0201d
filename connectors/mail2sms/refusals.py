"""Every reason why a mail is not simply sent, by its code: what the sender is told. Facts stand in braces.

The kinds: `ignored` (nobody is told: a machine wrote it), `silent` (nobody is told: who wrote it is not proven, and an answer would go to
somebody whose address was made up), `rejected` (the sender is told), `held` (it waits for the sender's word), `later` (it is tried again).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["ignored", "silent", "rejected", "held", "later"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is told, and to an SMTP peer by which enhanced status (RFC 3463). Both languages have the same facts in braces."""

    kind: Kind
    status: str
    en: str
    fr: str = ""


REFUSALS: Final[Mapping[str, Refusal]] = {
    # Nobody wrote it, or it is ours.
    "automatic": Refusal("ignored", "2.0.0", "An automatic answer was ignored."),
    "bounce": Refusal("ignored", "2.0.0", "A mail that came back was ignored."),
    "report": Refusal("ignored", "2.0.0", "A delivery report or receipt was ignored."),
    "list": Refusal("ignored", "2.0.0", "A mail of a mailing list was ignored."),
    "own_mail": Refusal("ignored", "2.0.0", "A mail of ours that came back was ignored."),
    "system_sender": Refusal("ignored", "2.0.0", "A mail of a mail system was ignored."),
    "nobody": Refusal("ignored", "2.0.0", "A mail to an address that nobody reads was ignored."),
    # Nobody knows who wrote it.
    "from_invalid": Refusal("silent", "5.6.0", "The mail needs exactly one From with exactly one address."),
    "headers_invalid": Refusal("silent", "5.6.0", "The headers of the mail can't be read: {header}."),
    "unproven": Refusal(
        "silent",
        "5.7.26",
        "Nothing proves that the mail is from {sender}: sign it with DKIM, or use an address with a token.",
    ),
    "not_allowed": Refusal("silent", "5.7.1", "{sender} is not among the allowed senders."),
    "token_wrong": Refusal(
        "silent", "5.7.1", "The token in the address is not known: take the address from the settings again."
    ),
    "token_expired": Refusal("silent", "5.7.1", "The token in the address is not good any more: ask for a new one."),
    "token_alone": Refusal(
        "silent", "5.7.1", "This token only sends to {allowed}, unless the mail is proven to be from an allowed sender."
    ),
    # It can't be sent as it is.
    "too_large": Refusal("rejected", "5.3.4", "The mail is larger than {most} bytes: send it without attachments."),
    "unreadable": Refusal("rejected", "5.6.0", "The text of the mail can't be decoded: send it again as plain text."),
    "no_body": Refusal("rejected", "5.6.0", "The mail has no text: write what is to be sent."),
    "text_empty": Refusal(
        "rejected", "5.6.0", "Nothing is left of the mail without quotes and signature: write the text above them."
    ),
    "encrypted": Refusal("rejected", "5.6.0", "The mail is encrypted: send it signed only, or plain."),
    "winmail": Refusal(
        "rejected", "5.6.0", "The mail is in Outlook's own format (winmail.dat): send it as HTML or plain text."
    ),
    "calendar": Refusal("rejected", "5.6.0", "The mail is an invitation and no text."),
    "too_complex": Refusal("rejected", "5.6.0", "The mail has too many parts within parts: send it as plain text."),
    "no_recipient": Refusal("rejected", "5.1.1", "None of its addresses is one of ours: write to number@{domain}."),
    "address_invalid": Refusal(
        "rejected", "5.1.3", "{address} is no address of ours: write number@{domain}, or g-group@{domain}."
    ),
    "option_unknown": Refusal(
        "rejected",
        "5.1.3",
        "{option} in {address} means nothing here: take it out, or see the guide for what there is.",
    ),
    "option_invalid": Refusal("rejected", "5.6.0", "#{option}: {value} can't be used: {cure}."),
    "group_unknown": Refusal(
        "rejected", "5.1.1", "There is no group {slug}: see the names of groups in the address book."
    ),
    "template_unknown": Refusal("rejected", "5.1.1", "There is no template {slug}."),
    "number_invalid": Refusal("rejected", "5.1.1", "{number} can't be texted: {why}"),
    "too_many_recipients": Refusal(
        "rejected", "5.5.3", "{count} recipients in one mail, {most} at most: write to a group, or attach a list."
    ),
    "text_too_long": Refusal(
        "rejected", "5.3.4", "The text is {segments} segments long, {most} at most: shorten it. Nothing was cut off."
    ),
    "no_credit": Refusal(
        "rejected", "5.2.2", "There are not enough credits. Nothing was sent and nothing was charged."
    ),
    "list_unreadable": Refusal("rejected", "5.6.0", "The attached list can't be read: {why}"),
    "needs_proof": Refusal(
        "rejected", "5.7.26", "Groups and lists are only sent for a proven allowed sender: a token alone is not enough."
    ),
    "thread_over": Refusal(
        "rejected", "5.7.1", "This conversation can't be answered any more: write a new mail to the number."
    ),
    "refused": Refusal("rejected", "5.7.1", "{why}"),
    "confirm_unclear": Refusal("rejected", "5.6.0", "Answer with OK to send it, or with NO to drop it."),
    "confirm_over": Refusal(
        "rejected", "5.7.1", "There is nothing left to confirm: it was sent, dropped, or has waited too long."
    ),
    # It waits for a word of its sender.
    "held_list": Refusal("held", "2.0.0", "{count} people would get it."),
    "held_unsigned_recipient": Refusal(
        "held",
        "2.0.0",
        "The recipient is not among those that the mail was signed for, so somebody else may have sent it on.",
    ),
    "held_old_signature": Refusal(
        "held", "2.0.0", "The mail was signed long before it came, so somebody else may have sent it on."
    ),
    "held_changed": Refusal("held", "2.0.0", "A mail with the same Message-ID was sent before, with another text."),
    "held_sender_cap": Refusal("held", "2.0.0", "Your mails have reached {most} SMS in {period}."),
    "held_account_cap": Refusal("held", "2.0.0", "The mails of the account have reached {most} SMS in {period}."),
    # It comes again.
    "duplicate": Refusal("ignored", "2.0.0", "The same mail was sent before."),
    "dns_silent": Refusal("later", "4.4.3", "A name server did not answer; it is tried again."),
    "busy": Refusal("later", "4.3.0", "It can't be taken just now; it is tried again."),
    "poison": Refusal("silent", "5.6.0", "Reading it failed three times."),
}


class _Known(dict[str, str | int]):
    """Facts by name: one that is not known is told as three dots, as whoever reads it can do nothing about it."""

    def __missing__(self, _name: str) -> str:
        return "…"


def said(code: str, facts: Mapping[str, str | int], language: str = "en") -> str:
    """The sentence of a code, with its facts filled in."""
    refusal = REFUSALS[code]
    return (refusal.fr if language == "fr" and refusal.fr else refusal.en).format_map(_Known(facts))
