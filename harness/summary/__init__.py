"""From scores to figures."""
