"""Face forgeries: a face that was blended into its picture, told apart from whole generation."""
