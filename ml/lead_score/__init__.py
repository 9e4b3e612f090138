"""Will this lead be won within 30 days?"""
