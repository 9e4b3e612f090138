"""One package a question, all with the same verbs: features, fit, evaluate, predict."""
