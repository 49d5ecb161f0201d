"""Every reason why a mail is not simply sent, by its code: what the sender is told. Facts stand in braces.

The kinds: `ignored` (nobody is told: a machine wrote it), `silent` (nobody is told: who wrote it is not proven, and an answer would go to
somebody whose address was made up; a mail server that is told no sends it there too), `rejected` (the sender is told), `held` (it waits for
the sender's word), `later` (it is tried again).
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
    "automatic": Refusal(
        "ignored", "2.0.0", "An automatic answer was ignored.", "Une réponse automatique a été ignorée."
    ),
    "bounce": Refusal(
        "ignored", "2.0.0", "A mail that came back was ignored.", "Un mail revenu à l'expéditeur a été ignoré."
    ),
    "report": Refusal(
        "ignored",
        "2.0.0",
        "A delivery report or receipt was ignored.",
        "Un accusé de remise ou de lecture a été ignoré.",
    ),
    "list": Refusal(
        "ignored", "2.0.0", "A mail of a mailing list was ignored.", "Un mail d'une liste de diffusion a été ignoré."
    ),
    "own_mail": Refusal(
        "ignored",
        "2.0.0",
        "A mail of ours that came back was ignored.",
        "Un de nos propres mails, revenu ici, a été ignoré.",
    ),
    "system_sender": Refusal(
        "ignored", "2.0.0", "A mail of a mail system was ignored.", "Un mail d'un système de messagerie a été ignoré."
    ),
    "nobody": Refusal(
        "ignored",
        "2.0.0",
        "A mail to an address that nobody reads was ignored.",
        "Un mail à une adresse que personne ne lit a été ignoré.",
    ),
    # Nobody knows who wrote it.
    "from_invalid": Refusal(
        "silent",
        "2.0.0",
        "The mail needs exactly one From with exactly one address.",
        "Le mail doit avoir un seul champ From, avec une seule adresse.",
    ),
    "headers_invalid": Refusal(
        "silent",
        "2.0.0",
        "The headers of the mail can't be read: {header}.",
        "Les en-têtes du mail sont illisibles : {header}.",
    ),
    "unproven": Refusal(
        "silent",
        "2.0.0",
        "Nothing proves that the mail is from {sender}: sign it with DKIM, or use an address with a token.",
        "Rien ne prouve que le mail vient de {sender} : signez-le avec DKIM, ou utilisez une adresse avec jeton.",
    ),
    "not_allowed": Refusal(
        "silent",
        "2.0.0",
        "{sender} is not among the allowed senders.",
        "{sender} ne fait pas partie des expéditeurs autorisés.",
    ),
    "token_wrong": Refusal(
        "silent",
        "2.0.0",
        "The token in the address is not known: take the address from the settings again.",
        "Le jeton de l'adresse est inconnu : reprenez l'adresse dans les réglages.",
    ),
    "token_expired": Refusal(
        "silent",
        "2.0.0",
        "The token in the address is not good any more: ask for a new one.",
        "Le jeton de l'adresse n'est plus valable : demandez-en un nouveau.",
    ),
    "token_alone": Refusal(
        "silent",
        "2.0.0",
        "This token only sends to {allowed}, unless the mail is proven to be from an allowed sender.",
        "Ce jeton n'envoie qu'à {allowed}, sauf si le mail vient de façon prouvée d'un expéditeur autorisé.",
    ),
    # It can't be sent as it is.
    "too_large": Refusal(
        "rejected",
        "5.3.4",
        "The mail is larger than {most} bytes: send it without attachments.",
        "Le mail dépasse {most} octets : renvoyez-le sans pièces jointes.",
    ),
    "unreadable": Refusal(
        "rejected",
        "5.6.0",
        "The text of the mail can't be decoded: send it again as plain text.",
        "Le texte du mail ne peut pas être décodé : renvoyez-le en texte brut.",
    ),
    "no_body": Refusal(
        "rejected",
        "5.6.0",
        "The mail has no text: write what is to be sent.",
        "Le mail n'a pas de texte : écrivez ce qui doit être envoyé.",
    ),
    "text_empty": Refusal(
        "rejected",
        "5.6.0",
        "Nothing is left of the mail without quotes and signature: write the text above them.",
        "Sans les citations et la signature, il ne reste rien du mail : écrivez le texte au-dessus.",
    ),
    "encrypted": Refusal(
        "rejected",
        "5.6.0",
        "The mail is encrypted: send it signed only, or plain.",
        "Le mail est chiffré : renvoyez-le seulement signé, ou sans rien.",
    ),
    "winmail": Refusal(
        "rejected",
        "5.6.0",
        "The mail is in Outlook's own format (winmail.dat): send it as HTML or plain text.",
        "Le mail est au format propre à Outlook (winmail.dat) : renvoyez-le en HTML ou en texte brut.",
    ),
    "calendar": Refusal(
        "rejected",
        "5.6.0",
        "The mail is an invitation and no text.",
        "Le mail est une invitation, sans texte à envoyer.",
    ),
    "too_complex": Refusal(
        "rejected",
        "5.6.0",
        "The mail has too many parts within parts: send it as plain text.",
        "Le mail contient trop de parties imbriquées : renvoyez-le en texte brut.",
    ),
    "no_recipient": Refusal(
        "rejected",
        "5.1.1",
        "None of its addresses is one of ours: write to {prefix}number@{domain}.",
        "Aucune de ses adresses n'est l'une des nôtres : écrivez à {prefix}numéro@{domain}.",
    ),
    "address_invalid": Refusal(
        "rejected",
        "5.1.3",
        "{address} is no address of ours: write {prefix}number@{domain}, or {prefix}g-group@{domain}.",
        "{address} n'est pas une de nos adresses : écrivez à {prefix}numéro@{domain}, ou à {prefix}g-groupe@{domain}.",
    ),
    "option_unknown": Refusal(
        "rejected",
        "5.1.3",
        "{option} in {address} means nothing here: take it out, or see the guide for what there is.",
        "{option} dans {address} ne veut rien dire ici : retirez-le, ou cherchez dans le guide ce qui existe.",
    ),
    "option_invalid": Refusal(
        "rejected",
        "5.6.0",
        "#{option}: {value} can't be used: {cure}.",
        "#{option} : {value} n'est pas utilisable : {cure}.",
    ),
    "group_unknown": Refusal(
        "rejected",
        "5.1.1",
        "There is no group {slug}: see the names of groups in the address book.",
        "Il n'y a pas de groupe {slug} : cherchez le nom des groupes dans le carnet d'adresses.",
    ),
    "template_unknown": Refusal("rejected", "5.1.1", "There is no template {slug}.", "Il n'y a pas de modèle {slug}."),
    "number_invalid": Refusal(
        "rejected", "5.1.1", "{number} can't be texted: {why}", "Aucun SMS ne peut être envoyé à {number} : {why}"
    ),
    "too_many_recipients": Refusal(
        "rejected",
        "5.5.3",
        "{count} recipients in one mail, {most} at most: write to a group, or attach a list.",
        "{count} destinataires dans un mail, {most} au plus : écrivez à un groupe, ou joignez une liste.",
    ),
    "text_too_long": Refusal(
        "rejected",
        "5.3.4",
        "The text is {segments} segments long, {most} at most: shorten it. Nothing was cut off.",
        "Le texte fait {segments} segments, {most} au plus : raccourcissez-le. Rien n'a été coupé.",
    ),
    "no_credit": Refusal(
        "rejected",
        "5.2.2",
        "There are not enough credits. Nothing was sent and nothing was charged.",
        "Il n'y a pas assez de crédits. Rien n'a été envoyé ni débité.",
    ),
    "list_unreadable": Refusal(
        "rejected", "5.6.0", "The attached list can't be read: {why}", "La liste jointe est illisible : {why}"
    ),
    "needs_proof": Refusal(
        "rejected",
        "5.7.26",
        "Groups and lists are only sent for a proven allowed sender: a token alone is not enough.",
        "Groupes et listes ne partent que pour un expéditeur autorisé dont le mail est prouvé : un jeton seul ne suffit pas.",
    ),
    "thread_over": Refusal(
        "rejected",
        "5.7.1",
        "This conversation can't be answered any more: write a new mail to the number.",
        "On ne peut plus répondre dans cette conversation : écrivez un nouveau mail au numéro.",
    ),
    "refused": Refusal("rejected", "5.7.1", "{why}", "{why}"),
    "confirm_unclear": Refusal(
        "rejected",
        "5.6.0",
        "Answer with OK to send it, or with NO to drop it.",
        "Répondez OK pour envoyer, ou NON pour abandonner.",
    ),
    "confirm_over": Refusal(
        "rejected",
        "5.7.1",
        "There is nothing left to confirm: it was sent, dropped, or has waited too long.",
        "Il n'y a plus rien à confirmer : c'est parti, abandonné, ou resté trop longtemps en attente.",
    ),
    "dropped": Refusal(
        "rejected",
        "2.0.0",
        "It was dropped as you asked: nothing was sent.",
        "Abandonné à votre demande : rien n'a été envoyé.",
    ),
    # It waits for a word of its sender.
    "held_list": Refusal(
        "held",
        "2.0.0",
        "It is for {count} people: so many are only written to once you have said that it is meant.",
        "Il est pour {count} personnes : à autant de monde, il ne part qu'avec votre accord.",
    ),
    "held_unsigned_recipient": Refusal(
        "held",
        "2.0.0",
        "The recipient is not among those that the mail was signed for, so somebody else may have sent it on.",
        "Le destinataire n'est pas de ceux pour qui le mail a été signé : quelqu'un d'autre l'a peut-être renvoyé.",
    ),
    "held_old_signature": Refusal(
        "held",
        "2.0.0",
        "The mail was signed long before it came, so somebody else may have sent it on.",
        "Le mail a été signé longtemps avant d'arriver : quelqu'un d'autre l'a peut-être renvoyé.",
    ),
    "held_changed": Refusal(
        "held",
        "2.0.0",
        "A mail with the same Message-ID was sent before, with another text.",
        "Un mail avec le même Message-ID a déjà été envoyé, avec un autre texte.",
    ),
    "held_sender_cap": Refusal(
        "held",
        "2.0.0",
        "Your mails have reached {most} SMS in {period}.",
        "Vos mails ont atteint {most} SMS en {period}.",
    ),
    "held_account_cap": Refusal(
        "held",
        "2.0.0",
        "The mails of the account have reached {most} SMS in {period}.",
        "Les mails du compte ont atteint {most} SMS en {period}.",
    ),
    # It comes again.
    "duplicate": Refusal("ignored", "2.0.0", "The same mail was sent before.", "Le même mail a déjà été envoyé."),
    "dns_silent": Refusal(
        "later",
        "4.4.3",
        "A name server did not answer; it is tried again.",
        "Un serveur de noms n'a pas répondu ; un nouvel essai suivra.",
    ),
    "busy": Refusal(
        "later",
        "4.3.0",
        "It can't be taken just now; it is tried again.",
        "Il ne peut pas être pris pour le moment ; un nouvel essai suivra.",
    ),
    "poison": Refusal("silent", "5.6.0", "Reading it failed three times.", "Sa lecture a échoué trois fois."),
}


class _Known(dict[str, str | int]):
    """Facts by name: one that is not known is told as three dots, as whoever reads it can do nothing about it."""

    def __missing__(self, _name: str) -> str:
        return "…"


def said(code: str, facts: Mapping[str, str | int], language: str = "en") -> str:
    """The sentence of a code, with its facts filled in."""
    refusal = REFUSALS[code]
    return (refusal.fr if language == "fr" and refusal.fr else refusal.en).format_map(_Known(facts))
