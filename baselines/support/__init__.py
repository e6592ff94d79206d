"""Helpers of variants."""
