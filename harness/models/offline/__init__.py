"""Engines that answer many prompts at once from weights on this machine, in place of transformers' own generation."""
