"""Roles: what a process of the hub does. A role is a tuple of named loops, under one supervisor; `serve` is all of them and the web."""
