"""Metrics: what makes an answer good."""
