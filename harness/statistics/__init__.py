"""Statistics, each with its source."""
