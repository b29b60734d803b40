//! The worker: bidding, running, openings.
