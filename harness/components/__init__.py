"""What each kind of component owes: one file a kind."""
