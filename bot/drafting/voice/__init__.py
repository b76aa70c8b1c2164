"""The house's voice: how a workspace, or a channel, wants its texts to be written."""
