//! Detections are built into the binary; a new file has to lead to a new binary.

fn main() {
    println!("cargo:rerun-if-changed=detections");
}
