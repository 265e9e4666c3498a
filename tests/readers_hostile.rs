//! Readers against what no recorder wrote: they report damage and go on, whatever the bytes.

use std::io::Cursor;

use cresset::source::reader::{Choice, Format, read};
use proptest::prelude::*;

const FORMATS: [Option<Format>; 5] =
    [None, Some(Format::Auditd), Some(Format::JsonLines), Some(Format::JsonArray), Some(Format::Documents)];

/// Reads all of it in every format; more records than bytes would be made up.
fn survives(bytes: &[u8]) {
    for format in FORMATS {
        let choice = Choice { format, source: None };
        if let Ok(records) = read(Box::new(Cursor::new(bytes.to_vec())), "hostile", &choice) {
            assert!(records.count() <= bytes.len() + 1);
        }
    }
}

/// Pieces that logs are made of, in an order that nobody would write.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("type=SYSCALL msg=audit(1.000:1): ".to_owned()),
        Just("type=EXECVE msg=audit(1.000:1): argc=3 ".to_owned()),
        Just("arch=c000003e syscall=59 success=yes exe=\"/x\" pid=1 ppid=1 ".to_owned()),
        Just("a0=\"x\" a1[0]=41 a1[1]=4 a99999999999999999999=1 a7= ".to_owned()),
        Just("\u{1d}UID=\"root\" SADDR={ ".to_owned()),
        Just("node= msg='op=\"".to_owned()),
        Just("{\"kind\":\"EventList\",\"items\":[".to_owned()),
        Just("{\"auditID\":\"x\"},".to_owned()),
        Just("{\"ID\":\"1.0:1\",\"EXECVE\":{\"ARGV\":[\"%zz%\",5,null]}}".to_owned()),
        Just("{\"process.args\":[[{}]],\"process\":1,\"process.a.b\":2}".to_owned()),
        Just(
            "services:\n  a: {volumes: ['${:-', ':::', 'c:', {}], ports: ['::/'], build: [], environment: 5}\n"
                .to_owned()
        ),
        Just("apiVersion: v1\nkind: List\nitems: [{kind: List, items: 5}]\n".to_owned()),
        Just("---\n&a [*a]\n".to_owned()),
        Just("<<: [1, {a: 2}]\n? {x: y}\n: z\n".to_owned()),
        Just("\n".to_owned()),
        Just("}]".to_owned()),
        "\\PC{0,8}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        survives(&bytes);
    }

    #[test]
    fn pieces_of_logs_do_no_harm(bytes in pieces()) {
        survives(&bytes);
    }

    #[test]
    fn damaged_packing_does_no_harm(mut bytes in proptest::collection::vec(any::<u8>(), 1..300), magic in 0..2) {
        let magic: &[u8] = if magic == 0 { &[0x1f, 0x8b, 8, 0] } else { &[0x28, 0xb5, 0x2f, 0xfd] };
        bytes.splice(0..0, magic.iter().copied());
        survives(&bytes);
    }
}
