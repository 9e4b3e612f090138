"""Events live: each API process tails the feed once and hands what has settled to those who listen."""
