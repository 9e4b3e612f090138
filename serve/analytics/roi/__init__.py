"""What was put in and what came back, by campaign, lead source or vehicle."""
