"""VOEvents: the finished packet, its identifier, its text rules and its validation."""
