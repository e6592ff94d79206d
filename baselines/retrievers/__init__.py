"""Retrievers: one file a retriever."""
