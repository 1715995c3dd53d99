"""What happens to imports, and whom it concerns."""
