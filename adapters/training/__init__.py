"""From train rows to trained weights."""
