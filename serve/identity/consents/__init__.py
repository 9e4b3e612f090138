"""What people agreed to, for what, and what they took back."""
