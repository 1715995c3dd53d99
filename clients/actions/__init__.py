"""What may be done to dossiers (`dossiers`) and in client spaces (`space`)."""
