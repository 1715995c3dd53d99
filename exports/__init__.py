"""Workbooks that people take away: small ones at once, large ones made by a worker, found again under “My exports”."""
