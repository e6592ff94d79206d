"""Helpers of retrievers: tokens, indexes, and where they are kept."""
