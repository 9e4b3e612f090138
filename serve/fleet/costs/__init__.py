"""What vehicles cost: running costs, fuel, upkeep and the hours they stood still."""
