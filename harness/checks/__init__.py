"""What is refused before anything is paid for."""
