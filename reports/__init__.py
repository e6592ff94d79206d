"""A run's files become pages and tables for people and machines."""
