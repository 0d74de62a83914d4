"""Models made by others: transformers and timm checkpoints, local or from a hub, and ONNX files."""
