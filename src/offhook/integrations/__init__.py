"""Thin adapters to other people's frameworks. Nothing here is imported but by its user."""
