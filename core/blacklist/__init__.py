"""Who must not be texted, and how they said so."""
