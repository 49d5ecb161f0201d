"""Zapier: triggers, creates and searches."""

from connectors.zapier.connector import CONNECTOR

__all__ = ["CONNECTOR"]
