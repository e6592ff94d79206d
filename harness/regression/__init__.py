"""What one run says of another: compared, kept as a baseline, and held against it."""
