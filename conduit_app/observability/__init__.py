"""What operators watch: probes, metrics, traces and log lines."""
