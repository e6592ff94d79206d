"""An evaluation-first harness: prompting, RAG or fine-tuning, compared on the same items with honest statistics."""

__version__ = "0.1.0"
