"""Helpers of knowledge bases: entries, gold passages, splitting, versions."""
