"""``EnergyMonitor`` as a callback of other training frameworks; a module imports the one that it is named after."""
