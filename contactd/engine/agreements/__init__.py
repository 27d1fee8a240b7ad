"""What is agreed with customers: made, told, kept or broken."""
