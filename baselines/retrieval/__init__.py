"""Retrievers: which passages a query is about."""
