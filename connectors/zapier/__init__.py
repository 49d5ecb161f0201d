"""Zapier: triggers, creates and searches."""
