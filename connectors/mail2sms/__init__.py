"""Mail2SMS: a mail becomes an SMS, its answer a mail."""
