"""Answering without training: prompting, retrieval, cascades."""
