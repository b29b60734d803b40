//! Uploads and downloads.
