"""One alert or VOEvent for a person: what, where, when, light curve, cutouts."""
