"""The commands, one module each: a person's words in, and what comes of them out."""
