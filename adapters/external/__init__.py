"""Adapters and checkpoints that were trained elsewhere."""
