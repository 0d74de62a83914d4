"""Running the service: health, metrics, logs, traces and a graceful end."""
