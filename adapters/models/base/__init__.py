"""What models made of other models share."""
