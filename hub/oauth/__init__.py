"""The OAuth 2 provider: applications act for people of the hub, with their consent."""
