"""What may be done to firms (`firms`), to people's accounts (`people`) and to their places in a firm (`members`)."""
