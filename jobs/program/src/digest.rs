//! The address of a program: one digest of its operations and constants.

use janction_protocol::{
    Digest, F,
    hash::{hash, tag},
};
use plonky2::field::types::Field;

use crate::{
    commitment::{constant_root, pack::pack_bytes},
    container::{KIND_TENSOR_PROGRAM, VERSION, encode_graph},
    program::Program,
};

impl Program {
    /// The program digest: `H(PROGRAM, [version, kind, scheme, length of graph] ++ graph ++ roots of constants)`,
    /// with the graph section of the container packed 7 bytes to an element. Two programs that differ in anything
    /// (a name, a shift, one weight) differ in it. Computed once; after that it costs nothing.
    #[must_use]
    pub fn digest(&self) -> Digest {
        *self.digest.0.get_or_init(|| self.compute_digest())
    }

    fn compute_digest(&self) -> Digest {
        let graph = encode_graph(self);
        let header =
            [VERSION.into(), KIND_TENSOR_PROGRAM.into(), self.scheme().code().into(), graph.len() as u64];
        let mut data: Vec<F> = header.map(F::from_canonical_u64).to_vec();
        data.extend(pack_bytes(&graph));
        for constant in self.constants() {
            data.extend(constant_root(&constant.tensor).0);
        }
        hash(tag::PROGRAM, &data)
    }
}
