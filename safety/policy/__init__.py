"""The policy: a validated TOML file that says what is done about what is found."""
