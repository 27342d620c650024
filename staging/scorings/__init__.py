"""Hypnograms from files and to files, one format a module."""

from staging.scorings.own_csv import read_csv, write_csv

__all__ = ["read_csv", "write_csv"]
