"""What was asked and by whom in, AuditEvents that can be searched out."""
