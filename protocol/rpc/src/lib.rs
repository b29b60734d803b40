//! Protobuf messages and gRPC stubs of the house.
