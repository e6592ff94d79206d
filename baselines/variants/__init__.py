"""Ways of answering without training: one file a variant."""
