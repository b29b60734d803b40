//! The text form: round trips, and errors with their places.

use janction_program::{Program, reference, test_utils, text};
use proptest::prelude::*;

const PRODUCT: &str = "\
program product  # a comment
scheme 1
depth 4
input x: i8[2]
const w: i8[2, 1] = [
  [3],
  [-5],
]
const b: i32[1, 1] = [[100]]
y: i8[1] = matmul(x, w) {
  bias b
  requantise 1073741824 >> 31
  clamp 0 127
}
output y
";

fn error(text: &str) -> String {
    text::parse(text).expect_err("the text is wrong").to_string()
}

#[test]
fn reads_what_is_documented() {
    let program = text::parse(PRODUCT).unwrap();
    let input =
        janction_program::Tensor::new(2, 2, janction_program::Cells::I8(vec![10, 2, -100, 0])).unwrap();
    let trace = reference::run(&program, &input).unwrap();
    // (30 - 10 + 100) / 2 = 60; (-300 + 100) / 2 = -100, clamped.
    assert_eq!(*trace[0].cells(), janction_program::Cells::I8(vec![60, 0]));
}

#[test]
fn errors_have_a_place() {
    let with = |from: &str, to: &str| error(&PRODUCT.replacen(from, to, 1));
    let cases = [
        (with("scheme 1", "scheme 2"), "2:1: commitment scheme 2"),
        (with("depth 4", "depth four"), "3:7: expected an integer, found \"four\""),
        (with("i8[2]", "f32[2]"), "4:10: expected a type"),
        (with("[-5]", "[-129]"), "7:4: the number -129 is out of range"),
        (with("[-5]", "[-5, 6]"), "7:3: expected a row of 1 cells, found 2"),
        (with("  [-5],\n", ""), "5:7: a tensor of 2 rows"),
        (with("[[100]]", "[[100"), "10:1: expected \",\" or \"]\", found \"y\""),
        (with("matmul", "convolve"), "10:12: expected matmul, reshape, conv, add, lookup, maxpool, "),
        (with("(x, w)", "(z, w)"), "10:19: no value \"z\""),
        (with("(x, w)", "(x, x)"), "10:22: no constant \"x\""),
        (with("bias b", "bias c"), "11:8: no constant \"c\""),
        (with("bias b", "colour b"), "11:3: expected bias, input_zero"),
        (with("bias b", "bias b bias b"), "11:10: \"bias\" is defined a second time"),
        (with(">> 31", ">> 300"), "12:28: the number 300 is out of range"),
        (with(">> 31", ">> 63"), "10:1: operation \"y\": shift = 63 is outside 1..=62"),
        (with("  requantise 1073741824 >> 31\n", ""), "10:12: \"requantise\" is missing"),
        (with("output y", "output x"), "15:8: the output must be the last"),
        (with("output y", ""), "16:1: \"output\" is missing"),
        (with("output y", "output y @"), "15:10: the character '@'"),
        (with("clamp 0 127", "clamp 5 4"), "10:1: operation \"y\": the lower clamp bound = 5"),
        (with("const b", "const w"), "9:7: \"w\" is defined a second time"),
        (with("depth 4", "depth 4 depth 4"), "3:9: \"depth\" is defined a second time"),
        (error(""), "1:1: \"output\" is missing"),
    ];
    for (got, expected) in &cases {
        assert!(got.starts_with(expected), "got {got:?}, expected {expected:?}");
    }
}

#[test]
fn a_value_may_be_called_like_a_keyword() {
    let text = PRODUCT.replace("y: i8", "output: i8").replace("output y", "output output");
    assert_eq!(text::parse(&text).unwrap().output().name, "output");
}

fn round_trip(program: &Program) {
    let printed = text::print(program);
    assert_eq!(text::parse(&printed).as_ref(), Ok(program), "{printed}");
}

proptest! {
    #[test]
    fn print_and_parse_are_inverse(seed: u64) {
        round_trip(&test_utils::random_program(seed));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}", at: prop::sample::Index) {
        let _ = text::parse(&text);
        let mut at = at.index(PRODUCT.len());
        while !PRODUCT.is_char_boundary(at) { at -= 1; }
        let _ = text::parse(&format!("{}{text}{}", &PRODUCT[..at], &PRODUCT[at..]));
        let _ = text::parse(&PRODUCT[..at]);
    }
}
