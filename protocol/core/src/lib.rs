//! The protocol: hashing, trees, transactions, the state transition function and the public-data format.
