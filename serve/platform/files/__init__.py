"""Files: taken in, looked through, kept, handed out, collected."""
