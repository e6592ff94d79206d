"""Models: what turns messages into text or scores options."""
