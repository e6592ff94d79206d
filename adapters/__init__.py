"""Training: methods, the trainer, interop."""
