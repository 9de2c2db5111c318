"""The programmed layers that come with the package."""
