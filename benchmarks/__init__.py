"""What Conduit costs: requests per second and processor time, beside yardsticks of the same run."""
