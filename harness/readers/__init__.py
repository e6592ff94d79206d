"""Data formats: one file a reader."""
