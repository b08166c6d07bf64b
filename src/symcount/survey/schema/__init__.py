"""How a config file of one class is read: measured on the class's own code, for the atlas."""
