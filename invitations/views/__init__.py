"""The pages of invitations: for the person invited (`answering`), for the firm (`inviting`, `handling`)."""
