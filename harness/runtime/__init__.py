"""What a run works with: the door to models, the caches, the run folder, the progress."""
