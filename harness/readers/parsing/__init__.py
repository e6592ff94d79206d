"""Helpers of readers: rows, columns, splits, encodings."""
