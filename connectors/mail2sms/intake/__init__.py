"""How mails come in: read by processes of their own, from mailboxes and by SMTP."""
