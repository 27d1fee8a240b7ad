"""What agents do with a case, and supervisors with the floor."""
