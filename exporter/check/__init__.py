"""What a configuration demands, and what the platform behind it offers."""
