"""Templates that something outside starts or lets go on."""
