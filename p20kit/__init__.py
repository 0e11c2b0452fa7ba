"""What a notebook imports: tables that carry their evidence, disclosure control, linkage, invented people."""
