"""Tests of staging.architecture."""
