//! One small program for each operation in the text form, with its digest and a result that was computed by hand. The digests
//! are consensus: they change only with a new version of the format.

use janction_program::{Cells, Program, Tensor, container, reference, text};

/// Name, text, digest, a row of the input, the row of the output.
struct Example(&'static str, &'static str, &'static str, Vec<i64>, Vec<i64>);

fn examples() -> Vec<Example> {
    let cells = |cells: &[i64]| cells.to_vec();
    vec![
        Example(
            "matmul",
            include_str!("programs/matmul.txt"),
            "0xf9d0ec4d1c149ca13829713d7f6620a664a253c0141c476258c26651293ed814",
            cells(&[103, 90, 100, 0, 255, 17]),
            cells(&[-3, -3, 46, 9]),
        ),
        Example(
            "conv",
            include_str!("programs/conv.txt"),
            "0xcb7b97939e4a7e5e40572440f586ac4b5aff86b5a78159a525bcdf75a1192de6",
            cells(&[10, -20, 30, -40, 50, -60, 1, 2, 3, 4, 5, -6]),
            cells(&[-14, 44, 63, -61, 8, -1, 14, 15]),
        ),
        Example(
            "add",
            include_str!("programs/add.txt"),
            "0x8beb86f358a2da029207a03414b5a8b7f0d1d8438b982dbf6cdcaa20848bb9fd",
            cells(&[-128, -1, 127]),
            cells(&[-100, -2, 100]),
        ),
        Example(
            "lookup",
            include_str!("programs/lookup.txt"),
            "0x7da5be09a16838d1859074af1756e187409ed7b373cb827eb99eedfdf94c6471",
            cells(&[-128, -1, 0, 127]),
            cells(&[128, 1, 0, 127]),
        ),
        Example(
            "maxpool",
            include_str!("programs/maxpool.txt"),
            "0xaaf0d50fd04ef7a2b780a18c619839e640f16fe01ba91e5fb2c20c14745ed4e2",
            cells(&[1, -128, 5, 7, -9, 0, 3, 127, -4]),
            cells(&[7, 5, 7]),
        ),
        // 89.5, 69.33, 79, 103.67, 103.89, 137.67, 91.75, 112, 140.75
        Example(
            "averagepool",
            include_str!("programs/averagepool.txt"),
            "0x2141aae12098fea905f10201103c6ebbcc5c0d5aa716be4ee73575e5a6e8bccd",
            cells(&[0, 255, 8, 100, 3, 50, 9, 255, 255]),
            cells(&[90, 69, 79, 104, 104, 138, 92, 112, 141]),
        ),
        // 1.5, 1.5, -2.5, -2.5 become 2, 1, -2, -3; then 2.5, 2.5, -0.5, -1.5.
        Example(
            "rounding",
            include_str!("programs/rounding.txt"),
            "0xf0ee0b9c8d32c19f7c602288f5d4d6fe6917d79e62d803b69a02ae49c2688f77",
            cells(&[1, 2, 1, 2, -1, -4, -1, -4]),
            cells(&[2, 2, 0, -2]),
        ),
        // Sums of 3, 3, 9 and -9: 0.5, 0.5, 1.5 and -1.5 become 0, 1, 2 and -1.
        Example(
            "sixths",
            include_str!("programs/sixths.txt"),
            "0xef0b657cece14d43b41a0d7841e6b18666cf84923d221156dcec82cdbb3aa814",
            cells(&[1, 1, 1, 9, 0, 1, 100, 3, 3, -3, -3, -3, 1, -1, 0, -7, 0, 0, -97, 0, 0, 0, 0, 0]),
            cells(&[0, 1, 2, -1]),
        ),
        Example(
            "views",
            include_str!("programs/views.txt"),
            "0x9a2f800200b6f6ade3a5a4156616f4f0800137f9567938c52973d152892ee8fd",
            cells(&[1, 2, 3, 4, 5, 6]),
            cells(&[1, 4, 2, 5, 3, 6, 1, 2, 3, 4, 5, 6]),
        ),
    ]
}

fn parse(name: &str, text: &str) -> Program {
    text::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn results_are_those_computed_by_hand() {
    for Example(name, text, _, input, output) in examples() {
        let program = parse(name, text);
        let cells = Cells::from_values(program.input().dtype, &input).unwrap();
        let trace = reference::run(&program, &Tensor::new(1, input.len(), cells).unwrap()).unwrap();
        let got = trace.last().unwrap().cells();
        assert_eq!((0..got.len()).map(|i| i64::from(got.get(i))).collect::<Vec<_>>(), output, "{name}");
    }
}

#[test]
fn digests_are_golden() {
    let (stated, computed): (Vec<_>, Vec<_>) = examples()
        .into_iter()
        .map(|Example(name, text, digest, ..)| {
            ((name, digest.to_owned()), (name, parse(name, text).digest().to_string()))
        })
        .unzip();
    assert_eq!(computed, stated);
}

/// Every bit is under the digest, and every cut or longer file is found, for every operation.
#[test]
fn damage_is_found() {
    for Example(name, text, ..) in examples() {
        let program = parse(name, text);
        let bytes = container::encode(&program);
        assert_eq!(container::decode(&bytes).unwrap(), program, "{name}");
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(container::decode(&flipped).is_err(), "{name}, bit {bit}");
        }
        for end in 0..bytes.len() {
            assert!(container::decode(&bytes[..end]).is_err(), "{name}, cut at {end}");
        }
        assert!(container::decode(&[&bytes[..], &[0]].concat()).is_err(), "{name}");
    }
}
