//! A log of any bytes: nothing panics, lines are told in order, and none twice.
//!
//! An input is a file as it is given; `tests/log_lines` has files to begin with.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;
use std::io::Cursor;
use why502::inside::input::Text;
use why502::inside::logs::LogReader;

fuzz_target!(|input: &[u8]| {
    let Ok(mut text) = Text::from_reader(Box::new(Cursor::new(input.to_vec())), "log".to_owned())
    else {
        return;
    };
    let mut reader = LogReader::new(None);
    let (mut line, mut told, mut given) = (Vec::new(), 0_u64, 0_u64);
    let mut numbers = BTreeSet::new();
    while text.next_line(&mut line).is_some() {
        let number = text.number();
        given += 1;
        assert!(numbers.last().is_none_or(|last| *last <= number), "in order");
        numbers.insert(number);
        reader.read(number, &line, &mut |begun, _, read| {
            told += 1;
            assert!(numbers.contains(&begun), "a line that was given");
            if let Ok(Some(entry)) = read {
                assert!(entry.attempts.len() <= 64 && entry.ids.len() <= 4);
            }
        });
    }
    reader.finish(&mut |_, _, _| told += 1);
    assert!(told <= given, "none twice");
});
