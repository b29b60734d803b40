//! Importer of quantised ONNX models.
