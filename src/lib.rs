//! Cresset compiles one canonical detection into the rules of every SIEM that a security team runs.
#![doc = include_str!("../ARCHITECTURE.md")]

pub mod detection;
pub mod language;
pub mod logic;
pub mod source;
