"""Actions as tools of the Model Context Protocol: assistants come in with the permissions of whoever sent them."""
