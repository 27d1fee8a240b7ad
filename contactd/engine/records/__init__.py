"""Evidence kept and personal data erased."""
