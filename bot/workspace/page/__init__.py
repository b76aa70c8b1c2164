"""The web page of a workspace: what a browser loads, and the server it talks to."""
