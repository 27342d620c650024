"""Tests of staging.scorings."""
