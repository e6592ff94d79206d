"""Shows runs in a browser on the same machine: a list, how far each is, and its report."""
