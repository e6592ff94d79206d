"""Asking a judge and reading its reply."""
