"""What may be done to invitations: by the firm (`inviting`, `handling`), by the person invited (`answering`)."""
