"""Helpers of metrics."""
