"""The bounded contexts of Conduit, and the kernel they share."""
