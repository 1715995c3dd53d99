"""What people fill in about dossiers (`dossiers`), imports and client spaces (`space`)."""
