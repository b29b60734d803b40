//! The last Plonky2 layer, hashed over BN254, and the halo2-KZG circuit that verifies it.
