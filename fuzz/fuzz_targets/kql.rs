#![no_main]

#[path = "../oracle.rs"]
#[allow(dead_code, reason = "every target asks one of the questions")]
mod oracle;

libfuzzer_sys::fuzz_target!(|data: &[u8]| oracle::kql(data));
