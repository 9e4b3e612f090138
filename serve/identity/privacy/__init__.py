"""What the platform knows of a person: shown, given out, erased, and searched for afterwards."""
