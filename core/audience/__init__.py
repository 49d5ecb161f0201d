"""Contacts, groups and imports."""
