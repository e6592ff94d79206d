"""Tasks: how a sample becomes a prompt and how an answer is read back."""
