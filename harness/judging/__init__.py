"""How models judge answers, and how far they deserve trust."""
