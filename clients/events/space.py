"""What happens in a client's space, and whom it concerns."""
