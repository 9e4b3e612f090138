"""Coming to an account, and back to one."""
