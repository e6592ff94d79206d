"""One file a stage of the run."""
