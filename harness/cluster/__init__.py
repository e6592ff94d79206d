"""A run on several devices: Ray places processes, these compute, and the run's own process alone writes."""
