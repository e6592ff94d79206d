"""What a suite trains, handed to other tools."""
