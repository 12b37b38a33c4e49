"""What modules share in their rules: errors, identity, events, text and time."""
