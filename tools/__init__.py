"""What keeps the code in order; run as scripts."""
