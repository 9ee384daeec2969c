"""What is timed: loops that take steps, and launchers that train studies."""
