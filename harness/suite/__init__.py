"""From suite.yaml to a checked record."""
