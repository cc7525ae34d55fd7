"""Review by people, blinded: worklists without a name in them, reads measured again, and how far readers agree."""
