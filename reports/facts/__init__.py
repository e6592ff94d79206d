"""What sections share: columns, numbers, wording."""
