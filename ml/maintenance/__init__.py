"""Will this vehicle fail within the horizon?"""
