//! What the fuzzer is started from and what it has found: every kept input holds what the fuzz targets ask.

#[path = "../fuzz/oracle.rs"]
#[allow(clippy::panic, reason = "what does not hold is told by a panic, as in any test")]
mod oracle;

use std::path::Path;

/// Asks it of every file of a target's corpus and findings.
fn kept(target: &str, ask: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let mut asked = 0;
    for folder in ["corpus", "findings"] {
        let Ok(entries) = root.join(folder).join(target).read_dir() else { continue };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            println!("{}", path.display());
            ask(&std::fs::read(&path).expect("a readable file"));
            asked += 1;
        }
    }
    assert!(asked > 0, "the corpus of {target} is empty");
}

macro_rules! targets {
    ($($target:ident),*) => {$(
        #[test]
        fn $target() {
            kept(stringify!($target), oracle::$target);
        }
    )*};
}

targets!(spl, kql, eql, falco, sigma, falco_file, splunk_app, elastic_rules, detection, logs);
