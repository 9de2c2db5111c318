"""What a sweep found, as it is shown: its pages, figures, and the lines and rows in words."""
