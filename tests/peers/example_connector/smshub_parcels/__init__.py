"""Parcels: a depot says where parcels are, and whoever waits for one is told by SMS."""

from .connector import CONNECTOR

__all__ = ["CONNECTOR"]
