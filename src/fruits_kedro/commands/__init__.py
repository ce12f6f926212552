"""What `kedro <verb>` does."""
