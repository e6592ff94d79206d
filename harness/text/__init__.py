"""Text: normal forms, templates, near-duplicates, JSON in replies."""
