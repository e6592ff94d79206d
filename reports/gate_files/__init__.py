"""What a gate says, as files for CI and as a table for a terminal."""
