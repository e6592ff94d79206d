"""How kinds of answers ask that do more than choose or write."""
