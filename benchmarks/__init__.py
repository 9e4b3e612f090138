"""How fast, beside what a user would take instead and beside the limit. See docs/benchmarks.md."""
