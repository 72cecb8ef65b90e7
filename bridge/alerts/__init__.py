"""Packets in: framing, schemas, archives, and the lens that reads only what is wanted."""
