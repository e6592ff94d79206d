"""Answers that another tool made: read from its files, and paired with the items of a task."""
