"""Frozen records that stages exchange through files."""
