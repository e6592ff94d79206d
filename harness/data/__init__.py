"""Readers: a data source becomes samples."""
