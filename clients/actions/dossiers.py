"""What may be done to dossiers."""
