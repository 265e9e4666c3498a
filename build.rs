//! Detections, targets and logs are built into the binary; a new file has to lead to a new binary.

fn main() {
    for folder in ["detections", "templates", "tests/logs"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
