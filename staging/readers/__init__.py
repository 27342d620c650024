"""Readers of device files: one format a file."""
