"""Models made of other models: one file each."""
