"""voevent-bridge: survey alerts (Avro) in, VOEvent 2.0 over VTP out."""

__version__ = "0.1.0"
