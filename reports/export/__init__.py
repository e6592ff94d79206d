"""A finished run in the forms of other tools: tables, evaluation logs, experiment trackers."""
