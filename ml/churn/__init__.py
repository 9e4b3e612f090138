"""Will this account leave within 90 days?"""
