//! The contract that verifies one program's proofs, as Solidity: one file without imports.

use janction_program::commitment::Scheme;
use janction_program::{DType, Program};
use janction_protocol::Digest;
use janction_trace::Policy;

/// What the contract is made of, in the order of the file. Whatever stands before a file's first documentation comment
/// (licence, compiler, imports) is left out.
const SOURCES: [&str; 5] = [
    include_str!("../../../verifier-contracts/src/lib/Goldilocks.sol"),
    include_str!("../../../verifier-contracts/src/lib/Poseidon.sol"),
    include_str!("../../../verifier-contracts/src/lib/Rows.sol"),
    include_str!("../../../verifier-contracts/src/GeneratedVerifier.sol"),
    include_str!("../../../verifier-contracts/src/ProgramVerifier.sol"),
];

/// What a contract pins of the generated verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifierPins {
    /// Bytes of a proof.
    pub proof_length: usize,
    /// Hash of the reference string.
    pub srs_hash: [u8; 32],
    /// Whether the string was made locally, so that anyone can forge proofs.
    pub development_srs: bool,
    /// Hash of the generated verifier's code; `None` leaves it to whoever deploys the contract.
    pub code_hash: Option<[u8; 32]>,
}

/// Names that a program's contract cannot have: those of the file that it stands in, and of the one beside it.
const TAKEN: [&str; 7] =
    ["goldilocks", "poseidon", "rows", "generatedverifier", "programverifier", "program", "halo2verifier"];

/// Whether a program's contract can have this name: letters, digits and underscores, no digit first, and "Verifier" at the end,
/// which no word of the language has.
#[must_use]
pub fn is_contract_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.ends_with("Verifier")
        && !TAKEN.contains(&name.to_ascii_lowercase().as_str())
}

/// Name of a program's contract: the program's name in capitals and small letters, and "Verifier".
#[must_use]
pub fn contract_name(program: &Program) -> String {
    let words = program.name().split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut name: String = words
        .flat_map(|word| {
            let (first, rest) = word.split_at(1);
            [first.to_ascii_uppercase(), rest.to_owned()]
        })
        .collect();
    name += "Verifier";
    if !is_contract_name(&name) {
        name.insert_str(0, "The");
    }
    name
}

/// A contract named `name` that verifies proofs of `program` under `policy`, whose audit key has the digest `audit_key`. Its
/// constructor takes the address of the generated verifier. `None` for a program whose input or
/// output is no tensor of 8-bit cells committed to by rows.
#[must_use]
pub fn solidity(
    name: &str,
    program: &Program,
    policy: Policy,
    audit_key: Digest,
    pins: &VerifierPins,
) -> Option<String> {
    if program.scheme() != Scheme::Rows {
        return None;
    }
    let dtype = |dtype| matches!(dtype, DType::I8 | DType::U8).then(|| DType::code(dtype));
    let (input, output) = (program.input(), program.tensor(program.output_source()));
    let (input_type, output_type) = (dtype(input.dtype)?, dtype(output.dtype)?);
    let word =
        |bytes: [u8; 32]| bytes.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}"));
    let srs_hash = word(pins.srs_hash);
    let code_hash = pins.code_hash.map_or_else(|| "0".to_owned(), word);
    let mut text = "// SPDX-License-Identifier: MIT OR Apache-2.0\npragma solidity ^0.8.24;\n".to_owned();
    for source in SOURCES {
        text.push('\n');
        text += &source[source.find("/// @title").unwrap_or(0)..];
    }
    text += &format!(
        "
/// @title Verifies that an output is that of the program \"{program_name}\", policy {policy}
/// @notice Written by `janction program export-verifier`. Whoever deploys it makes it anew from the job binary and compares.
contract {name} is ProgramVerifier {{
    constructor(address halo2Verifier)
        ProgramVerifier(
            halo2Verifier,
            {proof_length},
            {srs_hash},
            {development_srs},
            Program({{
                digest: {digest},
                auditKey: {audit_key},
                policy: {policy_code},
                depth: {depth},
                inputColumns: {input_columns},
                inputType: {input_type},
                outputColumns: {output_columns},
                outputType: {output_type},
                verifierCode: {code_hash}
            }})
        )
    {{}}
}}
",
        program_name = program.name(),
        proof_length = pins.proof_length,
        development_srs = pins.development_srs,
        digest = program.digest(),
        policy_code = policy.code(),
        depth = program.depth(),
        input_columns = input.columns(),
        output_columns = output.columns(),
    );
    Some(text)
}

#[cfg(test)]
mod tests {
    use janction_program::text;

    use super::*;

    fn program(name: &str) -> Program {
        text::parse(&format!(
            "program {name}\nscheme 1\ndepth 3\ninput x: u8[2]\nconst w: i8[2, 1] = [\n  [3],\n  [-5],\n]\ny: i8[1] = matmul(x, w) {{\n  \
             requantise 1073741824 >> 31\n}}\noutput y\n"
        ))
        .unwrap()
    }

    #[test]
    fn names_are_identifiers() {
        for (name, contract) in
            [("mlp", "MlpVerifier"), ("mlp_64.32_10", "Mlp643210Verifier"), ("p", "PVerifier")]
        {
            assert_eq!(contract_name(&program(name)), contract);
            assert!(is_contract_name(contract));
        }
        for name in
            ["", "contract", "1Verifier", "m-1Verifier", "Halo2Verifier", "HALO2Verifier", "aVerifier;"]
        {
            assert!(!is_contract_name(name), "{name}");
        }
    }

    #[test]
    fn pins_what_makes_it_the_programs() {
        let program = program("mlp");
        let pins = VerifierPins {
            proof_length: 1952,
            srs_hash: [7; 32],
            development_srs: true,
            code_hash: Some([9; 32]),
        };
        let text = solidity("MlpVerifier", &program, Policy::Rows(44), Digest::ZERO, &pins).unwrap();
        for part in [
            "contract MlpVerifier is ProgramVerifier",
            &format!("digest: {},", program.digest()),
            &format!("auditKey: {},", Digest::ZERO),
            "policy: 44,",
            "depth: 3,",
            "inputColumns: 2,",
            "inputType: 2,",
            "outputColumns: 1,",
            "outputType: 1,\n",
            "verifierCode: 0x0909",
            "1952,",
            "0x0707",
        ] {
            assert!(text.contains(part), "{part}");
        }
        assert_eq!(text.matches("SPDX").count(), 1);
        assert!(!text.contains("import ") && text.matches("pragma").count() == 1);
        assert!(text.is_ascii());
    }
}
