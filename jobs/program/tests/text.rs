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

/// All of them ASCII.
const PROGRAMS: [&str; 9] = [
    PRODUCT,
    include_str!("programs/matmul.txt"),
    include_str!("programs/conv.txt"),
    include_str!("programs/add.txt"),
    include_str!("programs/lookup.txt"),
    include_str!("programs/maxpool.txt"),
    include_str!("programs/rounding.txt"),
    include_str!("programs/averagepool.txt"),
    include_str!("programs/views.txt"),
];

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
        (with("scheme 1", "scheme 3"), "2:1: commitment scheme 3"),
        (with("scheme 1", "scheme 2"), "16:1: \"block\" is missing"),
        (with("scheme 1", "scheme 2 block 3"), "2:10: a block has a power of two of rows, not 3"),
        (with("scheme 1", "scheme 1 block 4"), "16:1: scheme 1 commits to rows one by one"),
        (with("scheme 1", "scheme 2 block 4 block 4"), "2:18: \"block\" is defined a second time"),
        (with("scheme 1", "scheme 2 block 32"), "1:1: log2 of the rows in a block: 5 is outside 0..=4"),
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
        (with(">> 31", ">> 31 near_even"), "10:1: operation \"y\": the lowest bit of the shift"),
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

/// What each operation's file reads by itself.
#[test]
fn errors_of_operations_have_a_place() {
    let conv = include_str!("programs/conv.txt");
    let add = include_str!("programs/add.txt");
    let views = include_str!("programs/views.txt");
    let average = include_str!("programs/averagepool.txt");
    let most = include_str!("programs/maxpool.txt");
    let with = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        // The line differs from example to example; the column and the words are what counts.
        let error = error(&text.replacen(from, to, 1));
        error.split_once(':').map(|(_, rest)| rest.to_owned()).unwrap()
    };
    let many = format!("(line, again{})", ", line".repeat(63));
    let cases = [
        (with(conv, "kernel [2, 2]", ""), "18: \"kernel\" is missing"),
        (
            with(conv, "kernel [2, 2]", "kernel [2, 2, 2]"),
            "10: expected a list of 2 numbers, found 3 numbers",
        ),
        (with(conv, "kernel [2, 2]", "kernel 2"), "10: expected \"[\", found \"2\""),
        (with(conv, "pads [1, 0, 0, 1]", "pads [1, 1]"), "8: expected a list of 4 numbers, found 2 numbers"),
        (with(conv, "pads [1,", "pads [-1,"), "9: the number -1 is out of range"),
        (with(conv, "pads", "strides"), "3: \"strides\" is defined a second time"),
        (with(conv, "requantise 1 >> 2", ""), "18: \"requantise\" is missing"),
        (with(conv, "groups 2", "group 2"), "3: expected bias, input_zero, weight_zero"),
        (with(conv, "groups 2", "groups 3"), "1: operation \"y\": the number of groups must be"),
        (with(add, "add(x, y)", "add(half, y)"), "25: no value \"half\" is defined before"),
        (with(add, "add(x, y)", "add(x, z)"), "28: no value \"z\" is defined before"),
        (with(add, "add(x, y)", "add(x)"), "26: expected \",\", found \")\""),
        (with(add, "shift 2", ""), "21: \"shift\" is missing"),
        (with(add, "shift 2", "shift 2 up"), "11: expected left_zero"),
        (with(average, "requantise [", "requantise [1 >> 1 half"), "22: expected \",\" or \"]\", found"),
        (with(add, "left_multiplier 4", ""), "21: \"left_multiplier\" is missing"),
        (with(add, "right_multiplier -1", ""), "21: \"right_multiplier\" is missing"),
        (with(add, "right_multiplier -1", "right_multiplier 2147483648"), "20: the number 2147483648"),
        (with(most, "kernel [2, 2]", ""), "18: \"kernel\" is missing"),
        (with(average, "kernel [3, 3]", ""), "18: \"kernel\" is missing"),
        (with(average, "kernel [3, 3]", "dilations [1, 1]"), "3: expected kernel, strides, pads, input_zero"),
        (with(views, "permutation [1, 0]", ""), "21: \"permutation\" is missing"),
        (
            with(views, "permutation [1, 0]", "permutation [1, 0, 0, 0, 0, 0, 0, 0, 0]"),
            "21: more than 8 numbers",
        ),
        (with(views, "permutation [1, 0]", "permutation [1, 256]"), "19: the number 256"),
        (with(views, "axis 0", ""), "16: \"axis\" is missing"),
        (with(views, "(line, again)", "(line, again,)"), "35: expected the name of a value"),
        (with(views, "(line, again)", &many), "16: more than 64 operands"),
    ];
    let wrong: Vec<_> = cases.iter().filter(|(got, expected)| !got.starts_with(expected)).collect();
    assert!(wrong.is_empty(), "got, expected: {wrong:#?}");
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
        round_trip(&test_utils::with_random_scheme(test_utils::random_program(seed), seed));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}", at: prop::sample::Index) {
        let _ = text::parse(&text);
        for program in PROGRAMS {
            let at = at.index(program.len());
            let _ = text::parse(&format!("{}{text}{}", &program[..at], &program[at..]));
            let _ = text::parse(&program[..at]);
        }
    }

    /// Numbers as large as can be written, in the place of any number: parameters meet each other far outside their ranges.
    #[test]
    fn no_number_makes_a_check_panic(at: prop::sample::Index, other: prop::sample::Index, which in 0usize..8) {
        let number = ["0", "-1", "1048576", "1048577", "2147483647", "-2147483648", "4294967295", "62"][which];
        for program in PROGRAMS {
            // Behind the tables, which are long.
            let start = program.rfind("]]").unwrap_or(0);
            let is_digit = |i: usize| program.as_bytes()[i].is_ascii_digit();
            let places: Vec<usize> =
                (start + 1..program.len()).filter(|&i| is_digit(i) && !is_digit(i - 1)).collect();
            let (mut first, mut second) = (*at.get(&places), *other.get(&places));
            if first > second {
                std::mem::swap(&mut first, &mut second);
            }
            let end = |from: usize| (from..program.len()).find(|&i| !is_digit(i)).unwrap_or(program.len());
            let one = format!("{}{number}{}", &program[..first], &program[end(first)..]);
            let _ = text::parse(&one);
            if first < second {
                let between = &program[end(first)..second];
                let _ = text::parse(&format!("{}{number}{between}{number}{}", &program[..first], &program[end(second)..]));
            }
        }
    }
}
