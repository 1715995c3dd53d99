"""Files that a firm and its client hand each other: what they are, what they are called, whether they are harmless."""
