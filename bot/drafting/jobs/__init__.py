"""The way of one job: screened, headed, written, delivered."""
