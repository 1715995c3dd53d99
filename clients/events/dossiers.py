"""What happens to dossiers, and whom it concerns."""
