"""What a change can affect: the modules, and the tests that can see it."""
