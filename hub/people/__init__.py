"""Who somebody is: users of accounts and the operator's people, their passwords, links by mail, and sessions."""
